// What the thresholds keep, always in sight, and the run's steps down to it.
import { byteCount, count, estimated, share, shortCount } from "./format.js";
import { bar, button, download, element, say, section } from "./elements.js";
import { thresholdsYaml } from "./thresholds.js";

const MOST_LOSSES = 10;

export class Result {
  constructor(report, state) {
    this.report = report;
    this.state = state;
    this.documents = element("strong", { id: "kept-documents" });
    this.tokens = element("strong", { id: "kept-tokens" });
    this.parts = { documents: element("span", {}), tokens: element("span", {}) };
    this.meter = element("i", {});
    this.undo = button("Undo", () => state.undo());
    this.status = element("p", { class: "hidden", role: "status", "aria-live": "polite" });
    this.root = element(
      "section",
      { class: "result", "aria-label": "What all thresholds together keep" },
      element(
        "div",
        { class: "kept" },
        element("p", {}, "Keeps ", this.documents, " documents ", this.parts.documents),
        element("p", {}, this.tokens, " tokens ", this.parts.tokens),
      ),
      element(
        "div",
        { class: "actions" },
        this.undo,
        button("Reset", () => state.reset()),
        button("Copy", () => this.#copy(), { "aria-label": "Copy thresholds.yaml" }),
        button(
          element("span", {}, "Download ", element("span", { class: "wide" }, "thresholds.yaml")),
          () => this.#download(),
          { class: "primary", "aria-label": "Download thresholds.yaml" },
        ),
      ),
      element("span", { class: "meter", "aria-hidden": "true" }, this.meter),
      this.status,
      element("p", { id: "said", role: "status" }),
    );
  }

  update() {
    const { kept } = this.state.figures;
    const { totals } = this.report;
    this.documents.textContent = estimated(kept.documents);
    this.tokens.textContent = estimated(kept.tokens, shortCount);
    for (const of of ["documents", "tokens"]) {
      const part = kept[of].estimate / Math.max(totals[of], 1);
      this.parts[of].textContent = share(part);
      if (of === "documents") this.meter.style.width = `${100 * Math.min(part, 1)}%`;
    }
    this.undo.disabled = !this.state.canUndo;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.status.textContent = `Keeps ${this.documents.textContent} documents`;
    }, 500);
  }

  yaml() {
    return thresholdsYaml(this.report.name, this.state.inForce(), this.state.figures.kept);
  }

  #download() {
    download("thresholds.yaml", this.yaml(), "application/yaml");
    say("Downloaded. Next: thresher select RECIPE --thresholds thresholds.yaml");
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.yaml());
      say("Copied thresholds.yaml");
    } catch {
      say("The browser did not allow it: use the download");
    }
  }
}

export class Funnel {
  constructor(report, state) {
    this.state = state;
    const first = Math.max(report.funnel[0].documents.estimate, 1);
    this.first = first;
    const items = report.funnel.map((step) => {
      const losses = step.losses.map((loss) =>
        element(
          "li",
          { class: loss.error ? "error" : null },
          element("b", {}, `−${count(loss.documents)}`),
          element("span", {}, `${loss.error ? "error: " : ""}${loss.reason}`),
        ),
      );
      if (step.missing) {
        losses.push(
          element("li", { class: "error" }, element("b", {}, count(step.missing)), element("span", {}, "not accounted for")),
        );
      }
      const last = { amount: element("span", { class: "amount" }), part: element("span", { class: "part" }) };
      last.bar = element("span", { class: "holder" });
      this.#fill(last, step);
      if (step.name === "rules") this.byRules = last;
      const rest = losses.splice(MOST_LOSSES);
      return element(
        "li",
        {},
        losses.length ? element("ul", { class: "losses" }, losses) : null,
        rest.length
          ? element(
              "details",
              { class: "more" },
              element("summary", {}, `${rest.length} more reasons`),
              element("ul", { class: "losses" }, rest),
            )
          : null,
        element("div", { class: "step" }, element("span", { class: "label" }, step.label), last.amount, last.part, last.bar),
      );
    });
    const told = ["Tokens are counted in what is scored; nothing before that has any."];
    if (report.selection) {
      const { out } = report.selection.counts.select;
      told.push(`The last select kept ${count(out)} documents with the thresholds that this page opens with.`);
    };
    const { sample } = report;
    if (sample && sample.rows < report.totals.documents) {
      told.push(
        `± is the sampling error at 95 %: ${count(sample.rows)} of ${count(report.totals.documents)} documents are in this page.`,
      );
    }
    this.root = section(
      "run",
      "The run",
      element("ol", { class: "funnel" }, items),
      element("p", { class: "note" }, told.join(" ")),
    );
  }

  update() {
    if (this.byRules) this.#fill(this.byRules, this.state.figures.kept);
  }

  #fill(at, { documents, tokens, bytes }) {
    const told = [`${estimated(documents)} documents`];
    if (tokens) told.push(`${estimated(tokens, shortCount)} tokens`);
    if (bytes) told.push(`${byteCount(bytes.estimate)} of text`);
    at.amount.textContent = told.join(" · ");
    at.part.textContent = share(documents.estimate / this.first);
    at.bar.replaceChildren(bar(documents.estimate / this.first));
  }
}
