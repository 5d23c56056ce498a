// Two signals against each other, with the thresholds of both.
/* global Plot */
import { Axis } from "./axis.js";
import { asImage, pixels, standalone } from "./chart.js";
import { tick } from "./format.js";
import { button, download, element, section } from "./elements.js";

const MOST_POINTS = 3000;
const RATIO = 0.62;

export class Scatter {
  constructor(report, state, estimator) {
    this.state = state;
    this.estimator = estimator;
    this.signals = report.signals.filter(
      (signal) => signal.histogram && estimator.sample.signals.has(signal.name),
    );
    const names = this.signals.map((signal) => signal.name);
    const ruled = state.inForce().map((rule) => rule.signal).filter((name) => names.includes(name));
    const wanted = ["harmful.perplexity", "quality.score", ...ruled, ...names];
    const [first, second] = wanted.filter((name) => names.includes(name));
    this.across = this.#choice("across", first, names);
    this.up = this.#choice("up", second ?? first, names);
    this.frame = element("div", { class: "scatter" });
    // A stratum is drawn as often as its documents are: points are taken by their weight.
    this.points = this.#points();
    const save = (kind, made) => button(kind, made, { "aria-label": `Save the scatter as ${kind}` });
    this.details = element(
      "details",
      { ontoggle: () => this.draw() },
      element("summary", {}, "Show the scatter"),
      element(
        "p",
        { class: "choices" },
        element("label", {}, "across ", this.across),
        element("label", {}, "up ", this.up),
        element(
          "span",
          { class: "saves" },
          save("SVG", () => download("scatter.svg", standalone(this.plot), "image/svg+xml")),
          save("PNG", async () => download("scatter.png", await pixels(this.plot), "image/png")),
        ),
      ),
      element(
        "p",
        { class: "legend" },
        element("i", { class: "dot keeps" }),
        " kept ",
        element("i", { class: "dot drops" }),
        " removed by a rule or as a copy",
      ),
      this.frame,
    );
    this.root = section("scatter", "Two signals at once", this.details);
  }

  #choice(label, chosen, names) {
    const options = names.map((name) => element("option", { selected: name === chosen }, name));
    const attributes = { "aria-label": `Signal ${label}`, onchange: () => this.draw() };
    return element("select", attributes, options);
  }

  #points() {
    const { weight, rows } = this.estimator;
    let total = 0;
    for (let row = 0; row < rows; row += 1) total += weight[row];
    const step = Math.max(total / MOST_POINTS, Math.min(...weight.slice(0, 1000), 1));
    const found = [];
    let reached = step / 2;
    let sum = 0;
    for (let row = 0; row < rows && found.length < MOST_POINTS; row += 1) {
      sum += weight[row];
      if (sum >= reached) {
        found.push(row);
        while (reached <= sum) reached += step;
      }
    }
    return found;
  }

  update() {
    if (this.details.open && !this.state.moving) this.draw();
  }

  draw() {
    if (!this.details.open || !this.signals.length) return;
    const [across, up] = [this.across, this.up].map((choice) =>
      this.signals.find((signal) => signal.name === choice.value),
    );
    const [x, y] = [new Axis(across), new Axis(up)];
    const { sample, kept } = this.estimator;
    const [xs, ys] = [across, up].map((signal) => sample.signals.get(signal.name));
    const points = this.points
      .filter((row) => !Number.isNaN(xs[row]) && !Number.isNaN(ys[row]))
      .map((row) => ({ x: x.position(xs[row]), y: y.position(ys[row]), kept: kept[row] }));
    const lines = (signal, axis) => {
      const { min, max } = this.state.rule(signal.name);
      return [min, max].filter((value) => value !== null).map((value) => axis.position(value));
    };
    const [ticksX, ticksY] = [x, y].map((axis) => new Map(axis.ticks().map((each) => [each.place, tick(each.value)])));
    const width = Math.max(240, Math.min(this.frame.clientWidth || 640, 900));
    this.plot = Plot.plot({
      width,
      height: Math.round(RATIO * width) + 40,
      marginLeft: 52,
      marginBottom: 40,
      style: { overflow: "visible", fontFamily: "inherit", fontSize: "12px" },
      ariaLabel: `Scatter of ${across.name} and ${up.name}: ${points.length} sampled documents`,
      x: { domain: [0, 1], axis: null },
      y: { domain: [0, 1], axis: null },
      marks: [
        Plot.axisX([...ticksX.keys()], { tickFormat: (at) => ticksX.get(at), label: across.name }),
        Plot.axisY([...ticksY.keys()], { tickFormat: (at) => ticksY.get(at), label: up.name }),
        Plot.dot(points.filter((point) => !point.kept), { x: "x", y: "y", r: 2, className: "drops" }),
        Plot.dot(points.filter((point) => point.kept), { x: "x", y: "y", r: 2, className: "keeps" }),
        Plot.ruleX(lines(across, x), { className: "bound" }),
        Plot.ruleY(lines(up, y), { className: "bound" }),
      ],
    });
    asImage(this.plot);
    this.frame.replaceChildren(this.plot);
  }
}
