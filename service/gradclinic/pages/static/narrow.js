// Where a table is wider than a narrow window, each of its rows becomes a small block: each value after the head of its column.

const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };

// Browsers forget what a table is when its parts are laid out as blocks, so its parts say it.
function label(table) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.replace(/[▴▾]/u, "").trim());
  for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, td")]) part.role = ROLES[part.tagName];
  for (const cell of table.querySelectorAll("th")) cell.role = cell.scope === "row" ? "rowheader" : "columnheader";
  for (const row of table.tBodies[0].rows) {
    for (const cell of row.cells) {
      if (cell.tagName === "TD" && cell.colSpan === 1) cell.dataset.head = heads[cell.cellIndex] ?? "";
    }
  }
}

// In a broad window a grid of many columns stays one: as blocks it would take many screens.
const narrow = window.matchMedia("(max-width: 64rem)");

export function fitTables() {
  const tables = document.querySelectorAll(".wide > table:not(.map)");
  for (const table of tables) table.classList.remove("stacked");
  if (!narrow.matches) return;
  for (const table of [...tables].filter((each) => each.parentElement.scrollWidth > each.parentElement.clientWidth)) {
    label(table);
    table.classList.add("stacked");
  }
}

window.addEventListener("resize", fitTables);
document.addEventListener("toggle", fitTables, true); // what is folded has no width
