"""Three lines: train on the embedded handwritten digits, print the test accuracy, open the report."""

import sonde

run = sonde.train("digits")
print(f"{run.metrics['accuracy']:.2%} of the {run.evaluated_on} rows; {run.folder}/report.html")

assert run.evaluated_on == "test"
assert run.metrics["accuracy"] > 0.97
