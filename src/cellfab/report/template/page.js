"use strict";
(() => {
  const PRINT_WIDTH_PX = 690;
  const config = JSON.parse(document.getElementById("chart-config").textContent);
  const charts = [...document.querySelectorAll("[data-figure]")];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const looks = (ink, paper) => ({
    "font.color": ink, "hoverlabel.bgcolor": paper, "hoverlabel.font.color": ink,
  });
  const ready = charts.map((chart) => {
    const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
    figure.layout.font.color = colour("--ink");
    figure.layout.hoverlabel = { ...figure.layout.hoverlabel, bgcolor: colour("--paper"), font: { color: colour("--ink") } };
    return Plotly.newPlot(chart, figure.data, figure.layout, config);
  });
  const restyle = () => charts.forEach((chart) => Plotly.relayout(chart, looks(colour("--ink"), colour("--paper"))));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
  addEventListener("beforeprint", () => charts.forEach((chart) =>
    Plotly.relayout(chart, { ...looks("#1b1f24", "#ffffff"), width: PRINT_WIDTH_PX, autosize: false })));
  addEventListener("afterprint", () => charts.forEach((chart) =>
    Plotly.relayout(chart, { ...looks(colour("--ink"), colour("--paper")), width: null, autosize: true })));
  Promise.all(ready).then(() => { document.documentElement.dataset.charts = "ready"; });
})();
