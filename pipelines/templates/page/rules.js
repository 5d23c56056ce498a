// The rules with what each removes, on its own and only it; which rules remove the same documents.
import { boundsOf, estimated, share } from "./format.js";
import { bar, element, section, table } from "./elements.js";

const MOST_COMPARED = 24;

export class Rules {
  constructor(report, state, estimator) {
    this.report = report;
    this.state = state;
    this.estimator = estimator;
    this.lifted = new Map();
    this.place = element("div", {});
    this.none = element("p", { class: "note" }, "No rules yet: drag a handle below, or click a suggestion.");
    this.pairs = element("div", {});
    this.details = element(
      "details",
      { class: "overlap", ontoggle: () => this.#compare() },
      element("summary", {}, "Which rules remove the same documents"),
      this.pairs,
    );
    this.root = section(
      "rules",
      "Rules",
      element(
        "p",
        { class: "note" },
        "“Only it” are the documents that would be kept but for this rule. A rule that removes much" +
          " and little of it alone is covered by others.",
      ),
      this.place,
      this.details,
    );
    this.rows = new Map();
  }

  update() {
    const rules = this.state.inForce();
    for (const rule of rules) this.lifted.delete(rule.signal);
    const names = [...rules.map((rule) => rule.signal), ...this.lifted.keys()];
    if (names.toSorted().join(" ") !== [...this.rows.keys()].toSorted().join(" ")) {
      this.#build(this.#strictestFirst(names));
    }
    for (const rule of rules) this.#fill(rule);
    for (const signal of this.lifted.keys()) this.#fill(null, signal);
    if (this.details.open && !this.state.moving) this.#compare();
  }

  #strictestFirst(names) {
    const removes = (name) => this.state.figures.rules[this.state.numbers.get(name)]?.removes.estimate ?? 0;
    return names.toSorted((one, other) => removes(other) - removes(one));
  }

  #build(names) {
    this.rows = new Map(
      names.map((signal) => {
        const made = {};
        for (const part of ["bounds", "removes", "share", "only", "set"]) made[part] = element("span", {});
        made.on = element("input", {
          type: "checkbox",
          "aria-label": `Apply the rule on ${signal}`,
          onchange: () => this.#switch(signal, made.on.checked),
        });
        return [signal, made];
      }),
    );
    const rows = [...this.rows].map(([signal, made]) => [
      element(
        "span",
        { class: "rule" },
        made.on,
        element("a", { href: `#signal-${encodeURIComponent(signal)}` }, signal),
        made.set,
      ),
      made.bounds,
      made.removes,
      made.share,
      made.only,
    ]);
    const headings = ["Signal", "Keeps", "Removes", "Of documents", "Only it"];
    this.place.replaceChildren(
      names.length ? table("Effect of each rule", headings, rows, { class: "rules" }) : this.none,
    );
    this.details.hidden = names.length < 2;
  }

  #fill(rule, signal = rule.signal) {
    const made = this.rows.get(signal);
    made.on.checked = rule !== null;
    const number = this.state.numbers.get(signal);
    const effect = rule === null ? null : this.state.figures.rules[number];
    const shown = rule ?? this.lifted.get(signal);
    const special = Object.keys(shown.languages).length > 0 || !shown.keep_null;
    made.bounds.textContent = boundsOf(shown) + (special ? " *" : "");
    made.bounds.title = special ? "Further bounds for single languages or for missing values" : "";
    made.set.textContent = shown.set && !["recipe", signal.split(".")[0]].includes(shown.set) ? ` ${shown.set}` : "";
    made.removes.textContent = effect ? estimated(effect.removes) : "–";
    made.only.textContent = effect ? estimated(effect.only) : "–";
    const part = effect ? effect.removes.estimate / Math.max(this.report.totals.documents, 1) : 0;
    made.share.replaceChildren(effect ? share(part) : "–", bar(part));
  }

  #switch(signal, on) {
    if (on) {
      const { min, max, languages, keep_null } = this.lifted.get(signal);
      this.lifted.delete(signal);
      this.state.bound(signal, { min, max, languages, keep_null });
    } else {
      this.lifted.set(signal, this.state.rule(signal));
      this.state.lift(signal);
    }
  }

  #compare() {
    if (!this.details.open) return;
    const { numbers, figures } = this.state;
    const rules = this.state
      .inForce()
      .filter((rule) => figures.rules[numbers.get(rule.signal)]?.removes.estimate > 0)
      .sort(
        (one, other) =>
          figures.rules[numbers.get(other.signal)].removes.estimate -
          figures.rules[numbers.get(one.signal)].removes.estimate,
      )
      .slice(0, MOST_COMPARED);
    const rows = rules.map((rule, place) => [
      `${place + 1} ${rule.signal}`,
      ...rules.map((other) => {
        if (other === rule) return element("span", { class: "same" }, "·");
        const part = this.estimator.overlap(numbers.get(rule.signal), numbers.get(other.signal));
        return element("span", { class: "pair", style: { "--part": part.toFixed(3) } }, `${Math.round(100 * part)}`);
      }),
    ]);
    const headings = ["% of what this rule removes that another removes too", ...rules.map((_, place) => `${place + 1}`)];
    this.pairs.replaceChildren(table("Pairs of rules", headings, rows, { class: "pairs" }));
  }
}
