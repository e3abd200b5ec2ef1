"use strict";
// Tables that a click on a head sorts. Whatever is missing comes last, in either direction.
const Tables = (() => {
  const natural = new Intl.Collator("en", { numeric: true }).compare; // 3 % before 10 %

  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? natural(a, b) : a - b);
  };

  // Buttons in the heads: they need a script, so a script makes them.
  function heads(table, onclick) {
    for (const head of table.tHead.rows[0].cells) {
      if (head.matches(".tools")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => onclick(head));
    }
  }

  function mark(table, chosen, down) {
    for (const head of table.tHead.rows[0].cells) {
      if (head === chosen) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  // By what stands first in the cells: a number, a word, or a dash.
  function written(cell) {
    const text = (cell.querySelector("a") || cell.firstChild || cell).textContent.trim();
    if (!text || text === "–") return null;
    const number = text.match(/-?[0-9]+(\.[0-9]+)?$/);
    return number && !cell.matches("th") ? Number(number[0]) : text.toLowerCase();
  }

  function sortable(table) {
    let by = null, down = false;
    heads(table, (head) => {
      down = by === head ? !down : head.dataset.better === "high";
      by = head;
      const body = table.tBodies[0], at = head.cellIndex;
      const rows = [...body.rows].map((row) => [written(row.cells[at]), row]);
      rows.sort((a, b) => compare(a[0], b[0], down ? -1 : 1));
      body.append(...rows.map(([, row]) => row));
      mark(table, head, down);
    });
  }

  for (const table of document.querySelectorAll("table.sortable")) sortable(table);
  return { compare, heads, mark };
})();
