// What each step leaves of a language and of a source file; what is kept by length; duplicates by
// the size of their cluster.
import { bucketName, count, estimated, share, shortCount } from "./format.js";
import { bar, element, section, table } from "./elements.js";

const SHOWN = 12;
const MOST_CHARACTERS = 44;
const RUN_STEPS = { read: "Read", extracted: "Extracted", scored: "Past the gates", deduplicated: "Deduplicated" };

export class Parts {
  constructor(report, state) {
    this.report = report;
    this.state = state;
    this.places = { languages: element("div"), buckets: element("div"), sources: element("div") };
    this.root = section(
      "composition",
      "Composition",
      element(
        "p",
        { class: "note" },
        "What each step of the run leaves, and of it what the thresholds keep. The bar is what is kept of the" +
          " first step.",
      ),
      element("div", { class: "steps" }, this.places.sources, this.places.languages),
      element("p", { class: "note" }, beforeLanguages(report)),
      element("div", { class: "tables" }, this.places.buckets, duplicates(report)),
    );
  }

  update() {
    const { figures } = this.state;
    this.#fillSteps("sources", "By source file", "File", figures.sources);
    this.#fillSteps("languages", "By language", "Language", figures.languages);
    this.#fillBuckets(figures.buckets);
  }

  #fillSteps(of, caption, heading, parts) {
    const { rows } = this.report[of];
    const steps = Object.keys(RUN_STEPS).filter((step) => rows.some((row) => row[step]));
    const cells = rows.slice(0, SHOWN).map((row, place) => {
      const { kept } = parts[place];
      const first = Math.max(row[steps[0]].documents, 1);
      return [
        element("span", { class: "value", dir: "auto", title: row.value }, of === "sources" ? tail(row.value) : row.value),
        ...steps.map((step) => written(row[step].documents)),
        estimated(kept.documents, written),
        withBar(kept.documents.estimate / first),
        estimated(kept.tokens, shortCount),
      ];
    });
    const told = rows.length > SHOWN ? `${caption}, the ${SHOWN} largest` : caption;
    const headings = [heading, ...steps.map((step) => RUN_STEPS[step]), "Kept", "Share", "Tokens kept"];
    this.places[of].replaceChildren(table(told, headings, cells, { class: "parts" }));
  }

  #fillBuckets(parts) {
    const { bucketDocuments } = this.state;
    const cells = parts
      .map(({ value, kept }, place) => ({ value, kept, documents: bucketDocuments[place] }))
      .filter(({ documents }) => documents > 0)
      .map(({ value, kept, documents }) => [
        bucketName(value),
        shortCount(documents),
        estimated(kept.documents, written),
        withBar(kept.documents.estimate / documents),
        estimated(kept.tokens, shortCount),
      ]);
    const headings = ["Tokens", "Scored", "Kept", "Share", "Tokens kept"];
    this.places.buckets.replaceChildren(table("By length bucket", headings, cells, { class: "parts" }));
  }
}

function written(number) {
  return number >= 1e5 ? shortCount(number) : count(number);
}

function withBar(part) {
  return element("span", {}, share(part), bar(part));
}

// The language of a text is known behind its extraction, so no table by language begins before.
function beforeLanguages({ steps, languages }) {
  const known = languages.rows.reduce((sum, row) => sum + row.extracted.documents, 0);
  return (
    `A language is known once a text is extracted and identified: of ${count(steps.read.documents)} records read,` +
    ` ${count(steps.read.documents - known)} were left out before that. “Extracted” by language counts the others.`
  );
}

// The end of a path tells files apart.
function tail(path) {
  return path.length > MOST_CHARACTERS ? `…${path.slice(-MOST_CHARACTERS)}` : path;
}

function duplicates({ duplicates: found, totals }) {
  if (!found) return element("p", { class: "note" }, "Duplicates were not sought.");
  const rows = found.sizes
    .filter((row) => row.documents)
    .map((row) => [
      row.to === null ? `${count(row.from)} and more` : row.to > row.from ? `${count(row.from)} – ${count(row.to)}` : count(row.from),
      count(row.documents),
      count(row.removed_documents),
      withBar(row.documents / Math.max(totals.documents, 1)),
      shortCount(row.removed_tokens),
    ]);
  const headings = ["Documents in a cluster", "Documents", "Copies", "Share", "Tokens of copies"];
  return table(`Duplicates: ${count(found.documents)} copies`, headings, rows, { class: "parts" });
}
