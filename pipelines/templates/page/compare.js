// Two threshold sets on this sample, or this report beside another: what moved, and why.
import { Estimator } from "./estimate.js";
import { boundsOf, count, estimated, figure, share, shortCount } from "./format.js";
import { button, element, section, table } from "./elements.js";
import { parseThresholds } from "./thresholds.js";

const MOST_SHIFTS = 15;

export class Compare {
  constructor(report, state, estimator) {
    this.report = report;
    this.state = state;
    this.estimator = estimator;
    this.held = null;
    this.place = element("div", { "aria-live": "polite" });
    this.problem = element("p", { class: "problem", role: "alert" });
    this.file = element("input", {
      type: "file",
      id: "compare-file",
      accept: ".yaml,.yml,.json",
      onchange: () => this.#read(),
    });
    this.root = section(
      "compare",
      "Compare",
      element(
        "p",
        { class: "note" },
        "Hold the present thresholds and change some, or open a thresholds.yaml of this page, or the" +
          " report.json of another run. Files are read here and sent nowhere.",
      ),
      element(
        "p",
        { class: "choices" },
        button("Hold present thresholds", () => this.hold(this.state.inForce(), "held")),
        element("label", { class: "file" }, "Open a file ", this.file),
        button("Clear", () => this.clear()),
      ),
      this.problem,
      this.place,
    );
  }

  hold(rules, name) {
    const other = new Estimator(this.estimator.sample, this.report.buckets);
    rules.forEach((rule, number) => other.setRule(number, rule));
    this.held = { rules, name, other, figures: other.estimate() };
    this.update();
  }

  clear() {
    this.held = null;
    this.file.value = "";
    this.problem.textContent = "";
    this.place.replaceChildren();
  }

  async #read() {
    const [file] = this.file.files;
    if (!file) return;
    this.problem.textContent = "";
    try {
      const text = await file.text();
      if (file.name.endsWith(".json")) this.#beside(JSON.parse(text), file.name);
      else this.hold(parseThresholds(text), file.name);
    } catch (error) {
      this.problem.textContent = `${file.name}: ${error.message}`;
    }
  }

  update() {
    if (!this.held || this.state.moving) return;
    const { held, state, estimator } = this;
    const [before, after] = [held.other.kept, estimator.kept];
    const lost = (row) => before[row] && !after[row];
    const gained = (row) => after[row] && !before[row];
    const present = state.inForce();
    const sets = [held.figures, state.figures];
    const whole = table(
      "Kept",
      ["", held.name, "present"],
      ["documents", "tokens"].map((of) => [
        of,
        ...sets.map(({ kept }) => `${estimated(kept[of], shortCount)} (${share(kept[of].estimate / Math.max(this.report.totals[of], 1))})`),
      ]),
      { class: "parts" },
    );
    const moved = element(
      "p",
      {},
      `${estimated(estimator.places(lost))} documents are no longer kept; `,
      `${estimated(estimator.places(gained))} are newly kept.`,
    );
    const names = new Set([...held.rules, ...present].map((rule) => rule.signal));
    const rows = [];
    for (const name of names) {
      const one = held.rules.findIndex((rule) => rule.signal === name);
      const other = present.find((rule) => rule.signal === name);
      const number = other ? state.numbers.get(name) : undefined;
      const told = [one < 0 ? "–" : boundsOf(held.rules[one]), other ? boundsOf(other) : "–"];
      const failed = [
        number === undefined ? null : estimator.failing[number],
        one < 0 ? null : held.other.failing[one],
      ];
      const counts = [lost, gained].map((is, place) =>
        failed[place] ? estimator.places((row) => is(row) && failed[place][row]) : { estimate: 0, error: 0 },
      );
      if (told[0] !== told[1] || counts.some(({ estimate }) => estimate > 0)) {
        rows.push([name, ...told, count(counts[0].estimate), count(counts[1].estimate)]);
      }
    }
    const headings = ["Signal", held.name, "present", "Lost to it", "Gained from it"];
    this.place.replaceChildren(
      whole,
      moved,
      rows.length
        ? table("Rules that differ or that moved documents", headings, rows, { class: "parts" })
        : element("p", { class: "note" }, "The two sets are the same."),
    );
  }

  // Another report's figures beside these; its documents are not at hand, so only sums compare.
  #beside(other, name) {
    if (other.version !== this.report.version || !other.signals) {
      throw new Error("no report.json of this version of thresher");
    }
    this.held = null;
    const reports = [other, this.report];
    const headings = ["", `${other.name} (${name})`, this.report.name];
    const totals = ["documents", "tokens", "bytes"].map((of) => [
      `scored ${of}`,
      ...reports.map((report) => shortCount(report.totals[of])),
    ]);
    const kept = ["documents", "tokens"].map((of) => [
      `kept ${of}, of scored`,
      ...reports.map(({ estimate, totals: all }) =>
        estimate ? share(estimate.kept[of].estimate / Math.max(all[of], 1)) : "–",
      ),
    ]);
    const copies = [
      "copies, of scored",
      ...reports.map(({ duplicates, totals: all }) =>
        duplicates ? share(duplicates.documents / Math.max(all.documents, 1)) : "–",
      ),
    ];
    const removes = (report, signal) => {
      const at = report.rules.findIndex((rule) => rule.signal === signal);
      if (at < 0 || !report.estimate) return "–";
      const part = report.estimate.rules[at].removes.estimate / Math.max(report.totals.documents, 1);
      return `${boundsOf(report.rules[at])}: ${share(part)}`;
    };
    const ruled = new Set(reports.flatMap((report) => report.rules.map((rule) => rule.signal)));
    const rules = [...ruled].map((signal) => [signal, ...reports.map((report) => removes(report, signal))]);
    this.place.replaceChildren(
      table("Totals", headings, [...totals, ...kept, copies], { class: "parts" }),
      table("Rules, and what each removes of all documents", headings, rules, { class: "parts" }),
      table("Signals whose median moved most", ["Signal", other.name, this.report.name, "Shift"], shifts(reports), {
        class: "parts",
      }),
    );
  }
}

// Medians, in widths of the middle half of the documents.
function shifts([one, other]) {
  const before = new Map(one.signals.map((signal) => [signal.name, signal.quantiles]));
  return other.signals
    .filter(({ name, quantiles }) => quantiles && before.get(name))
    .map(({ name, quantiles }) => {
      const from = before.get(name);
      const width = Math.max(quantiles.p75 - quantiles.p25, from.p75 - from.p25);
      const shift = width > 0 ? (quantiles.p50 - from.p50) / width : 0;
      return { name, from: from.p50, to: quantiles.p50, shift };
    })
    .filter(({ shift }) => shift !== 0)
    .sort((a, b) => Math.abs(b.shift) - Math.abs(a.shift))
    .slice(0, MOST_SHIFTS)
    .map(({ name, from, to, shift }) => [name, figure(from), figure(to), `${shift > 0 ? "+" : "−"}${figure(Math.abs(Number(shift.toPrecision(2))))}`]);
}
