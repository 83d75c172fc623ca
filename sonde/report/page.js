// Sort a table by the column whose heading is clicked: numbers by value, text by alphabet; a second click turns it round.
for (const table of document.querySelectorAll("table.sortable")) {
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
