// The histogram of a signal with its cumulative curve, drawn by Observable Plot.
/* global Plot */
import { tick } from "./format.js";

const HEIGHT = 150;
const TOP = 16;
const BOTTOM = 22;
const SPIKE = 3;
const BARS_FOR_SPIKES = 6;
const LABEL_WIDTH = 0.12;

// Bars as [left, right, documents], left and right being places on the axis.
export function barsOf(signal, axis) {
  const { edges, documents, zero } = signal.histogram;
  const bars = documents.map((count, place) => ({
    left: axis.position(edges[place]),
    right: axis.position(edges[place + 1]),
    from: edges[place],
    documents: count,
  }));
  if (zero) bars.unshift({ left: 0, right: axis.zeroBar, from: 0, documents: zero.documents });
  return bars;
}

// Areas are documents; the few bars that would flatten all others are cut off.
export function ceilingOf(bars) {
  const heights = bars.map(height).sort((one, other) => other - one);
  const top = heights[0] || 1;
  const flattened = heights.length >= BARS_FOR_SPIKES && top > SPIKE * heights[2];
  return flattened && heights[2] > 0 ? 1.5 * heights[2] : top;
}

function height({ left, right, documents }) {
  return documents / Math.max(right - left, 1e-4);
}

export function drawHistogram(signal, axis, width, described) {
  const bars = barsOf(signal, axis);
  const ceiling = ceilingOf(bars);
  const ticks = axis.ticks();
  const places = new Map(ticks.map(({ value, place }) => [place, tick(value)]));
  const { values, documents } = signal.curve;
  const line = values.map((value, place) => ({ x: axis.position(value), y: documents[place] }));
  const spikes = bars.filter((each) => height(each) > 1.0001 * ceiling);
  const plot = Plot.plot({
    width,
    height: HEIGHT,
    marginLeft: 0,
    marginRight: 0,
    marginTop: TOP,
    marginBottom: BOTTOM,
    style: { overflow: "visible", fontFamily: "inherit", fontSize: "11px" },
    ariaLabel: described,
    x: { domain: [0, 1], axis: null },
    y: { domain: [0, 1], axis: null },
    marks: [
      Plot.rectY(bars, {
        x1: "left",
        x2: "right",
        y: (each) => Math.min(height(each) / ceiling, 1),
        className: "bars",
        fill: "currentColor",
        insetRight: 0.5,
      }),
      Plot.lineY([{ x: 0, y: 0 }, ...line, { x: 1, y: 1 }], {
        x: "x",
        y: "y",
        className: "curve",
        stroke: "currentColor",
        strokeWidth: 1.25,
        curve: "linear",
      }),
      Plot.text(spikeLabels(spikes, signal.count), {
        x: "place",
        y: 1,
        dy: -7,
        text: "text",
        textAnchor: (each) => anchor(each.place),
        className: "spikes",
      }),
      Plot.ruleY([0], { className: "ground" }),
      Plot.axisX([...places.keys()], {
        tickFormat: (place) => places.get(place),
        tickSize: 3,
        tickPadding: 3,
        label: null,
        className: "ticks",
      }),
    ],
  });
  asImage(plot);
  return { plot, bars, ceiling };
}

// To a screen reader a plot is one picture with a description, not a pile of marks.
export function asImage(plot) {
  plot.setAttribute("role", "img");
  for (const part of plot.querySelectorAll("[aria-label], [aria-description]")) {
    part.removeAttribute("aria-label");
    part.removeAttribute("aria-description");
  }
}

// Bars that are cut off side by side share one label.
function spikeLabels(spikes, count) {
  const labels = [];
  for (const { left, right, documents } of spikes) {
    const place = (left + right) / 2;
    const text = `${Math.round((100 * documents) / count)} %`;
    const last = labels[labels.length - 1];
    if (last && place - last.place < LABEL_WIDTH) {
      last.text += `, ${text}`;
      last.place = place;
    } else labels.push({ place, text });
  }
  return labels;
}

function anchor(place) {
  if (place < 0.1) return "start";
  return place > 0.9 ? "end" : "middle";
}

// Bars of what all rules keep, over those of everything, as one path.
export class KeptBars {
  constructor(drawn, axis, estimator, signal) {
    this.drawn = drawn;
    this.signal = signal;
    this.estimator = estimator;
    this.binOf = binsOf(drawn.bars, axis, estimator.sample.signals.get(signal.name));
    this.path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    this.path.setAttribute("class", "kept");
    drawn.plot.querySelector(".bars").after(this.path);
    this.scored = new Float64Array(drawn.bars.length);
    const { weight, rows } = estimator;
    for (let row = 0; row < rows; row += 1) {
      if (this.binOf[row] >= 0) this.scored[this.binOf[row]] += weight[row];
    }
  }

  // A kept cluster gives one document, so its weight is that of its kept row.
  update() {
    const { bars, ceiling, plot } = this.drawn;
    const { keptRows, keptCount, placesOf } = this.estimator;
    const { binOf } = this;
    const documents = new Float64Array(bars.length);
    for (let at = 0; at < keptCount; at += 1) {
      const bin = binOf[keptRows[at]];
      if (bin >= 0) documents[bin] += placesOf[keptRows[at]];
    }
    const x = plot.scale("x").apply;
    const y = plot.scale("y").apply;
    const ground = y(0);
    let drawn = "";
    for (const [place, each] of bars.entries()) {
      // The sampled share of the exact bar, so that no bar is taller than what it is a part of.
      const part = this.scored[place] > 0 ? documents[place] / this.scored[place] : 0;
      const tall = (Math.min(part, 1) * height(each)) / ceiling;
      if (tall > 0) {
        const right = Math.max(x(each.right) - 0.5, x(each.left) + 0.5);
        drawn += `M${x(each.left).toFixed(1)} ${ground}V${y(Math.min(tall, 1)).toFixed(1)}H${right.toFixed(1)}V${ground}Z`;
      }
    }
    this.path.setAttribute("d", drawn);
  }
}

function binsOf(bars, axis, values) {
  const bins = new Int16Array(values.length).fill(-1);
  const edges = bars.map((each) => Math.fround(each.from));
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    if (!(value >= edges[0])) continue;
    let low = 0;
    let high = edges.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (edges[middle] <= value) low = middle;
      else high = middle - 1;
    }
    if (value < axis.high) bins[row] = low;
  }
  return bins;
}

// A drawing as a file of its own: the page's colours and letters are written into it.
export function standalone(plot) {
  const copy = plot.cloneNode(true);
  const originals = [plot, ...plot.querySelectorAll("*")];
  for (const [place, node] of [copy, ...copy.querySelectorAll("*")].entries()) {
    const seen = getComputedStyle(originals[place]);
    for (const name of ["fill", "stroke", "stroke-width", "opacity", "font-family", "font-size"]) {
      if (node.tagName !== "style") node.style.setProperty(name, seen.getPropertyValue(name));
    }
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.style.setProperty("overflow", "visible");
  const [width, tall] = [plot.getAttribute("width"), plot.getAttribute("height")].map(Number);
  copy.setAttribute("viewBox", `-8 -4 ${width + 16} ${tall + 8}`);
  copy.style.setProperty("background", getComputedStyle(document.body).backgroundColor);
  return new XMLSerializer().serializeToString(copy);
}

// The same as pixels, at three times the size for print.
export async function pixels(plot) {
  const [width, tall] = [plot.getAttribute("width"), plot.getAttribute("height")].map(Number);
  const image = new Image();
  const source = new Blob([standalone(plot)], { type: "image/svg+xml" });
  image.src = URL.createObjectURL(source);
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {
    width: 3 * (width + 16),
    height: 3 * (tall + 8),
  });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
