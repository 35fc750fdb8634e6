// Charts: <figure class="chart" data-chart="ID"> draws the table with that id by uPlot, and again when it changes.
// data-x: what stands across, "clock" (the default), "day", or a unit; data-tight: the y axis need not begin at zero;
// data-banded: series come by threes, a value and both ends of its interval, which become one line in a band.
// The table stays beside the drawing, for whoever cannot see it.
import uPlot from "uplot";

const HEIGHT = 168;
const FORMATS = {
  count: (value) => value.toLocaleString("en", { maximumFractionDigits: 2 }),
  money: (value) => value.toLocaleString("en", { maximumFractionDigits: 2 }),
  percent: (value) => `${(100 * value).toLocaleString("en", { maximumFractionDigits: 2 })} %`,
  ratio: (value) => value.toLocaleString("en", { maximumFractionDigits: 4 }),
  ms: (value) => `${value.toLocaleString("en", { maximumFractionDigits: 2 })} ms`,
};
const SERIES = 8; // colours --series-1 to --series-8
const drawn = new Map(); // figure -> uPlot

// A custom property as a colour that a canvas understands: `light-dark()` is resolved by an element that wears it.
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const faint = (solid) => solid.replace("rgb(", "rgba(").replace(")", ", 0.14)");

const cellValue = (cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value));

// The table's columns: times in seconds (or what else stands across), then one array a series.
function read(table, timed) {
  const heads = [...table.tHead.rows[0].cells].slice(1).filter((cell) => cell.dataset.note === undefined); // notes come last
  const names = heads.map((cell) => cell.textContent);
  const across = table.tHead.rows[0].cells[0].textContent;
  const columns = [[], ...names.map(() => [])];
  for (const row of table.tBodies[0].rows) {
    [...row.cells].slice(0, columns.length).forEach((cell, place) => columns[place].push(cellValue(cell)));
  }
  if (timed) columns[0] = columns[0].map((time) => time / 1e6);
  return { names, across, columns };
}

// Room for the widest number of the axis.
function axisWidth(plot, values, axis, cycle) {
  const before = plot.axes[axis];
  if (cycle > 1) return before._size;
  const widest = (values ?? []).reduce((long, one) => (one.length > long.length ? one : long), "");
  if (!widest) return 30;
  plot.ctx.font = before.font[0];
  return Math.ceil(plot.ctx.measureText(widest).width / devicePixelRatio) + 16;
}

// Points of a clock that lie an hour or more apart are told by their day too.
const timesOf = (x, times) => (x === "day" || times[1] - times[0] >= 3600 ? "{MM}-{DD} {HH}:{mm}" : "{HH}:{mm}:{ss}");

function yRange(figure) {
  if (figure.dataset.tight === undefined) return (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 0, 1e-9) * 1.08];
  return (_, low, high) => [low - 0.1 * (high - low || Math.abs(low) || 1), high + 0.1 * (high - low || Math.abs(high) || 1)];
}

function options(figure, names, positions, head) {
  const x = figure.dataset.x ?? "clock";
  const across = FORMATS[x];
  const times = timesOf(x, positions);
  const format = FORMATS[figure.dataset.unit];
  const font = "11px " + getComputedStyle(figure).fontFamily;
  const axis = { stroke: colour("--ink-soft"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const group = figure.dataset.banded === undefined ? 1 : 3; // series of one colour
  const ink = (place) => colour(`--series-${(Math.floor(place / group) % SERIES) + 1}`);
  const series = names.map((name, place) => ({
    label: name,
    stroke: ink(place),
    width: place % group ? 0.5 : 1.75,
    points: { show: x !== "clock" && place % group === 0 },
    value: (_, value) => (value === null || value === undefined ? "–" : format(value)),
  }));
  return {
    width: figure.clientWidth - 2 * parseFloat(getComputedStyle(figure).paddingLeft),
    height: HEIGHT,
    padding: [null, 28, null, null], // half of the last label of the x axis stands out
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "UTC"),
    cursor: { y: false, points: { size: 7 } },
    scales: { x: { time: !across }, y: { range: yRange(figure) } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: x === "day" ? 120 : 70, values: across ? (_, ticks) => ticks.map(across) : [[1, times, null, null, null, null, null, null, 1]] },
      { ...axis, values: (_, ticks) => ticks.map(format), size: axisWidth, space: 28 },
    ],
    bands: group === 1 ? [] : names.flatMap((_, place) => (place % 3 ? [] : [{ series: [place + 3, place + 2], fill: faint(ink(place)) }])),
    series: [{ label: across ? head : "time", value: across ? (_, value) => (value == null ? "–" : across(value)) : times }, ...series],
  };
}

function draw(figure, anew = false) {
  const table = document.getElementById(figure.dataset.chart);
  if (!table) return;
  const { names, across, columns } = read(table, !FORMATS[figure.dataset.x]);
  const old = drawn.get(figure);
  const empty = columns[0].length < 2 || !columns.slice(1).some((values) => values.some((value) => value !== null));
  figure.toggleAttribute("data-empty", empty);
  if (empty) return;
  if (old && !anew && old.series.slice(1).map((one) => one.label).join() === names.join()) {
    old.setData(columns);
  } else {
    old?.destroy();
    drawn.set(figure, new uPlot(options(figure, names, columns[0], across), columns, figure.querySelector(".plot")));
  }
  const plot = drawn.get(figure);
  if (plot.cursor.idx == null) plot.setLegend({ idx: columns[0].length - 1 }); // the newest, until somebody points
}

const figures = () => document.querySelectorAll("figure.chart");
const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  const plot = drawn.get(target);
  const width = target.clientWidth - 2 * parseFloat(getComputedStyle(target).paddingLeft);
  if (plot && plot.width !== width) plot.setSize({ width, height: HEIGHT });
}));

document.addEventListener("DOMContentLoaded", () => figures().forEach((figure) => {
  draw(figure);
  resized.observe(figure);
}));
document.addEventListener("htmx:after:swap", () => figures().forEach((figure) => draw(figure)));
document.addEventListener("theme", () => figures().forEach((figure) => draw(figure, true)));
