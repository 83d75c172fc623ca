// A page of a run that trained when it was drawn, and that should have been drawn anew by now.
for (const box of document.querySelectorAll(".verdict[data-due]")) {
  if (Date.now() > Number(box.dataset.due)) box.querySelector("b").textContent = "Ended since, killed, or hanging";
}

// Sort a table by the column whose heading is clicked: numbers by value, text by alphabet; a second click turns it round.
const tables = {
  ready: (root) => {
    for (const table of root.querySelectorAll("table.sortable")) {
      const body = table.tBodies[0];
      table.querySelectorAll("thead button").forEach((button, column) => {
        button.addEventListener("click", () => {
          const head = button.parentElement;
          const up = head.getAttribute("aria-sort") !== "ascending";
          table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", up ? "ascending" : "descending");
          const text = (row) => row.cells[column].textContent.trim();
          const value = (row) => parseFloat(text(row).replaceAll(",", ""));
          const compare = (a, b) => {
            const [x, y] = [value(a), value(b)];
            const both = !Number.isNaN(x) && !Number.isNaN(y);
            return both ? x - y : text(a).localeCompare(text(b), undefined, { numeric: true });
          };
          const rows = [...body.rows].sort(compare);
          body.append(...(up ? rows : rows.reverse()));
        });
      });
    }
  },
};
tables.ready(document);

// Turn the traces of a protein: dragging rolls them about the middle of the picture, across by the upright axis, up and down by the level one.
const traces = {
  ready: (root) => {
    for (const picture of root.querySelectorAll("svg.turns")) {
      const middle = picture.viewBox.baseVal.width / 2;
      const paths = [...picture.querySelectorAll("path[data-trace]")];
      const lines = paths.map((path) => path.dataset.trace.split(" ").map((point) => point.split(",").map(Number)));
      const turn = (across, up) => {
        const [ca, sa, cu, su] = [Math.cos(across), Math.sin(across), Math.cos(up), Math.sin(up)];
        lines.forEach((points, n) => {
          points.forEach((point) => {
            const [x, y, z] = [ca * point[0] + sa * point[2], point[1], ca * point[2] - sa * point[0]];
            point.splice(0, 3, x, cu * y - su * z, su * y + cu * z);
          });
          paths[n].setAttribute("d", "M" + points.map(([x, y]) => `${(middle + x).toFixed(1)} ${(middle - y).toFixed(1)}`).join("L"));
        });
      };
      picture.addEventListener("pointerdown", (event) => picture.setPointerCapture(event.pointerId));
      picture.addEventListener("pointermove", (event) => {
        if (picture.hasPointerCapture(event.pointerId)) turn(event.movementX / 100, event.movementY / 100);
      });
    }
  },
};
traces.ready(document);
