// Puts the page together.
import { Card } from "./card.js";
import { Compare } from "./compare.js";
import { element, section, table } from "./elements.js";
import { Estimator } from "./estimate.js";
import { Examples } from "./examples.js";
import { byteCount, shortCount } from "./format.js";
import { Labels } from "./labels.js";
import { Rules } from "./rules.js";
import { readExamples, readSample } from "./sample.js";
import { Scatter } from "./scatter.js";
import { State } from "./state.js";
import { Funnel, Result } from "./summary.js";
import { Parts } from "./tables.js";

const AROUND = "250px";

async function start() {
  const packed = (id) => document.getElementById(id).textContent;
  const report = JSON.parse(packed("report-data"));
  const page = document.getElementById("page");
  if (!report.columns) {
    page.append(element("p", { class: "note" }, "No documents were scored, so there is nothing to show."));
    document.documentElement.dataset.ready = "yes";
    return;
  }
  const sample = await readSample(report.columns, packed("columns-data"));
  const shown = await readExamples(packed("examples-data"));
  const estimator = new Estimator(sample, report.buckets);
  const state = new State(report.rules);
  numberRules(state, estimator);
  const labels = new Labels();
  const tools = { state, estimator, totals: report.totals, examples: new Examples(shown, sample, labels) };
  const result = new Result(report, state);
  const funnel = new Funnel(report, state);
  const rules = new Rules(report, state, estimator);
  const parts = new Parts(report, state);
  const scatter = new Scatter(report, state, estimator);
  const compare = new Compare(report, state, estimator);
  const signals = new Signals(report, tools);
  document.getElementById("result").append(result.root);
  page.append(totals(report), funnel.root, rules.root, signals.root, parts.root, scatter.root, compare.root, labels.root);
  const views = [funnel, rules, parts, signals, scatter, compare];
  const onScreen = watched(views);
  let asked = false;
  const update = () => {
    asked = false;
    result.update();
    for (const view of onScreen) view.update();
  };
  state.onChange(() => {
    // A frame shows one state, however many moves the pointer reports in it.
    if (!asked) requestAnimationFrame(update);
    asked = true;
  });
  result.update();
  for (const view of views) view.update();
  document.documentElement.dataset.ready = "yes";
}

// The views that are on the screen or near it; one that comes there is brought up to date.
function watched(views) {
  const near = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const view = views.find(({ root }) => root === target);
        if (isIntersecting) {
          near.add(view);
          view.update();
        } else near.delete(view);
      }
    },
    { rootMargin: AROUND },
  );
  for (const { root } of views) observer.observe(root);
  return near;
}

// Give each signal a number among the estimator's rules, and keep the figures on the state.
function numberRules(state, estimator) {
  state.numbers = new Map();
  const set = (signals) => {
    for (const signal of signals) {
      if (!state.numbers.has(signal)) state.numbers.set(signal, state.numbers.size);
      estimator.setRule(state.numbers.get(signal), state.rules.get(signal) ?? null);
    }
    state.figures = estimator.estimate();
  };
  state.bucketDocuments = estimator.bucketDocuments;
  state.onChange(set);
  set([...state.rules.keys()]);
}

function totals({ totals: all, sources, duplicates }) {
  const told = [
    ["documents", shortCount(all.documents)],
    ["tokens", shortCount(all.tokens)],
    ["of text", byteCount(all.bytes)],
    ["source files", sources.distinct === null ? "many" : shortCount(sources.distinct)],
  ];
  if (duplicates) told.push(["copies", shortCount(duplicates.documents)]);
  return element(
    "dl",
    { class: "totals" },
    told.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

class Signals {
  constructor(report, tools) {
    this.state = tools.state;
    this.cards = report.signals.map((signal) => new Card(signal, tools));
    for (const card of this.cards.filter(({ isNumeric }) => !isNumeric)) card.body.append(values(card.signal));
    this.byName = new Map(this.cards.map((card) => [card.signal.name, card]));
    this.search = element("input", {
      id: "search",
      type: "search",
      placeholder: "name, meaning or paper",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#filter(),
    });
    this.ruled = element("input", { type: "checkbox", onchange: () => this.#filter() });
    this.matches = element("span", { role: "status", id: "matches" });
    this.families = Object.entries(Object.groupBy(this.cards, ({ signal }) => signal.family)).map(
      ([name, cards]) =>
        element(
          "section",
          { class: "family", "aria-label": `Signals of ${name}` },
          element("h3", { class: "family-name" }, name, " ", element("small", {}, String(cards.length))),
          element("div", { class: "cards" }, cards.map(({ root }) => root)),
        ),
    );
    this.root = section(
      "signals",
      "Signals",
      element(
        "div",
        { class: "filter" },
        element("label", { for: "search" }, "Search"),
        this.search,
        element("label", {}, this.ruled, " only with a rule"),
        this.matches,
      ),
      element(
        "p",
        { class: "legend" },
        element("i", { class: "dot scored" }),
        " scored ",
        element("i", { class: "dot keeps" }),
        " kept by all rules ",
        element("i", { class: "dash" }),
        " share below a value; drag the handles, or use the arrow keys on them",
      ),
      this.families,
    );
    const near = new IntersectionObserver((entries) => this.#draw(entries), { rootMargin: AROUND });
    this.visible = new Set();
    for (const card of this.cards) near.observe(card.root);
  }

  update() {
    for (const card of this.visible) card.update();
  }

  #draw(entries) {
    for (const { target, isIntersecting } of entries) {
      const card = this.cards.find(({ root }) => root === target);
      if (isIntersecting) {
        this.visible.add(card);
        card.draw();
        card.update();
      } else this.visible.delete(card);
    }
  }

  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/);
    const ruled = new Set(this.state.inForce().map(({ signal }) => signal));
    let shown = 0;
    for (const card of this.cards) {
      const wanted = !this.ruled.checked || ruled.has(card.signal.name);
      card.root.hidden = !wanted || !words.every((word) => card.words.includes(word));
      shown += card.root.hidden ? 0 : 1;
    }
    for (const family of this.families) family.hidden = !family.querySelector(".card:not([hidden])");
    this.matches.textContent = `${shown} of ${this.cards.length}`;
  }
}

// What a signal without numbers has: its most frequent values.
function values(signal) {
  if (!signal.values) return element("p", { class: "note" }, "No document has a value.");
  const rows = signal.values.slice(0, 10).map((row) => [
    element("span", { class: "value", dir: "auto" }, row.value),
    shortCount(row.documents),
    shortCount(row.tokens),
  ]);
  return table(`Values of ${signal.name}`, ["Value", "Documents", "Tokens"], rows, { class: "parts" });
}

start();
