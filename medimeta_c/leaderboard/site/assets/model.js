"use strict";
// The severity curves of one model.
(() => {
  const data = Charts.data(), select = document.getElementById("chart-dataset");
  const names = new Map(data.corruptions);
  let chart;

  function draw() {
    Charts.drop(chart);
    const cells = data.curves[select.value];
    const rows = data.corruptions.filter(([name]) => cells[name]).map(([name]) => ({ text: names.get(name), values: [cells.clean[0], ...cells[name]] }));
    chart = Charts.lines(document.getElementById("curves"), document.getElementById("curves-legend"), data.severities, rows, "Top-1 accuracy, %");
  }

  document.getElementById("charts").hidden = false;
  Charts.options(select, Object.keys(data.curves).map((name) => [name, name]));
  select.addEventListener("change", draw);
  Charts.onTheme(draw);
  draw();
})();
