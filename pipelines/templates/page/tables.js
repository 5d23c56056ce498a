// What is scored and kept by language, length, source; duplicates by the size of their cluster.
import { bucketName, count, estimated, share, shortCount } from "./format.js";
import { bar, element, section, table } from "./elements.js";

const SHOWN = 12;
const MOST_CHARACTERS = 44;

export class Parts {
  constructor(report, state) {
    this.report = report;
    this.state = state;
    this.places = { languages: element("div"), buckets: element("div"), sources: element("div") };
    this.root = section(
      "composition",
      "Composition",
      element("p", { class: "note" }, "Scored, and of it what the thresholds keep. The bar is the kept share."),
      element(
        "div",
        { class: "tables" },
        this.places.languages,
        this.places.buckets,
        duplicates(report),
        this.places.sources,
      ),
    );
  }

  update() {
    const { figures } = this.state;
    this.#fill("languages", "By language", "Language", figures.languages, (value) => value);
    const used = figures.buckets.filter((row) => row.documents > 0);
    this.#fill("buckets", "By length bucket", "Tokens", used, bucketName);
    this.#fill("sources", "By source file", "File", figures.sources, tail);
  }

  #fill(of, caption, heading, rows, name) {
    const sorted = of === "buckets" ? rows : [...rows].sort((one, other) => other.documents - one.documents);
    const shown = sorted.slice(0, of === "buckets" ? sorted.length : SHOWN);
    const cells = shown.map((row) => [
      element("span", { class: "value", dir: "auto", title: row.value }, name(row.value)),
      shortCount(row.documents),
      estimated(row.kept.documents, row.documents >= 1e5 ? shortCount : count),
      element("span", {}, share(row.kept.documents.estimate / Math.max(row.documents, 1e-9)), bar(row.kept.documents.estimate / Math.max(row.documents, 1e-9))),
      estimated(row.kept.tokens, shortCount),
    ]);
    const rest = sorted.length - shown.length;
    const told = rest ? `${caption}, the ${SHOWN} largest of ${sorted.length}` : caption;
    const headings = [heading, "Scored", "Kept", "Share", "Tokens kept"];
    this.places[of].replaceChildren(table(told, headings, cells, { class: "parts" }));
  }
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
      element("span", {}, share(row.documents / Math.max(totals.documents, 1)), bar(row.documents / Math.max(totals.documents, 1))),
      shortCount(row.removed_tokens),
    ]);
  const headings = ["Documents in a cluster", "Documents", "Copies", "Share", "Tokens of copies"];
  return table(`Duplicates: ${count(found.documents)} copies`, headings, rows, { class: "parts" });
}
