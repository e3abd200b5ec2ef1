"use strict";
// The numbers of the ranking, and the same computed again for chosen datasets and corruptions.
const Ranking = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const boards = new Map(data.boards.map((board) => [board.key, board]));
  const mean = (values) => (values.length ? values.reduce((sum, one) => sum + one, 0) / values.length : null);
  const known = (values) => values.every((one) => one !== null && one !== undefined);

  for (const board of boards.values()) {
    board.at = Object.fromEntries(board.columns.map((column, index) => [column.name, index]));
    for (const entry of board.entries) entry.hasCurves = Boolean(entry.cells && entry.cells.some(Boolean));
  }

  // One dataset's clean accuracy and means over severities by corruption, in percent; null where unknown.
  function accuracies(board, entry, dataset) {
    const row = (entry.cells || entry.means)[dataset], levels = board.severities.length;
    if (!row || row[0] === null) return null;
    const by = board.corruptions.map((_, index) => {
      if (!entry.cells) return row[1 + index] === null ? null : row[1 + index] / 100;
      const own = row.slice(1 + levels * index, 1 + levels * (index + 1));
      return known(own) ? mean(own) / 100 : null;
    });
    return { clean: row[0] / 100, by };
  }

  // Numbers over chosen datasets and corruptions, both by index; without intervals.
  function numbers(board, entry, datasets, corruptions) {
    const rows = datasets.map((index) => accuracies(board, entry, index)), none = { clean: null, average: null, loss: null, mce: null, worst: null };
    if (!rows.length || !known(rows)) return none;
    const clean = mean(rows.map((row) => row.clean));
    const have = rows.map((row) => corruptions.filter((index) => row.by[index] !== null));
    if (have.some((one) => !one.length)) return { ...none, clean };
    const average = mean(rows.map((row, place) => mean(have[place].map((index) => row.by[index]))));
    const errors = rows.map((row, place) => {
      const divisor = board.divisor[datasets[place]];
      const parts = divisor ? have[place].filter((index) => divisor[index]).map((index) => (100 * (100 - row.by[index])) / divisor[index]) : [];
      return mean(parts);
    });
    const worst = corruptions.map((index) => [mean(rows.filter((row) => row.by[index] !== null).map((row) => row.clean - row.by[index])), index]);
    const most = worst.filter(([lost]) => lost !== null).sort((a, b) => b[0] - a[0])[0];
    return { clean, average, loss: clean - average, mce: known(errors) ? mean(errors) : null, worst: most[0], worstName: board.corruptions[most[1]][1] };
  }

  // Accuracy by severity, clean first, the mean over chosen datasets and corruptions; null where a cell is missing.
  function curve(board, entry, datasets, corruptions) {
    const levels = board.severities.length;
    const rows = datasets.map((index) => entry.cells[index]);
    if (!rows.length || !known(rows)) return null;
    const means = rows.map((row) => {
      const own = corruptions.map((index) => row.slice(1 + levels * index, 1 + levels * (index + 1))).filter(known);
      return own.length && row[0] !== null ? [row[0], ...board.severities.map((_, place) => mean(own.map((one) => one[place])))] : null;
    });
    if (!known(means)) return null;
    return means[0].map((_, place) => mean(means.map((row) => row[place])) / 100);
  }

  return { boards, curve, groups: data.groups, numbers, views: data.views };
})();
