// Lagoze et al. 2002, OAI-PMH 2.0: whole listings, in pages joined by resumption tokens.
// https://www.openarchives.org/OAI/openarchivesprotocol.html; arXiv's: https://info.arxiv.org/help/oa/index.html
import { RefusedError } from "../../net/http.ts";
import { normaliseId } from "../identifier.ts";
import { normalisePaper } from "../normalise.ts";
import { createFetcher, type FetchOptions } from "./arxiv.ts";
import type { Batch, Item } from "./item.ts";
import { child, type Element, textOf, type XmlReader, xmlReader } from "./xml.ts";

/** Which records to list. */
export interface Harvest {
  /** Set such as `cs` or `cs:cs:CL`; all records if absent. */
  readonly set?: string;
  /** First and last day of change, `YYYY-MM-DD`. */
  readonly from?: string;
  readonly until?: string;
}

/** The service no longer knows a resumption token: the listing must start again. */
export class TokenExpired extends RefusedError {
  override name = "TokenExpired";
}

/**
 * Lists the records of a repository that changed in a span of days; `token` continues an interrupted listing. A
 * token that has expired starts the listing again, once: records that come twice are recognised by the store.
 * @throws HttpError or Error once the retries are used up; UserError without the package fast-xml-parser.
 */
export async function* harvestOai(
  harvest: Harvest,
  token = "",
  options: FetchOptions = {},
): AsyncGenerator<Batch> {
  const { base = "https://oaipmh.arxiv.org/oai" } = options;
  const get = createFetcher(options);
  const parse = await xmlReader("harvestOai");
  let restarted = false;
  for (let next = token; ; ) {
    const address = new URL(base);
    address.searchParams.set("verb", "ListRecords");
    // A request with a token must have no other argument.
    const query = next === "" ? { metadataPrefix: "arXiv", ...harvest } : { resumptionToken: next };
    for (const [name, value] of Object.entries(query)) if (value) address.searchParams.set(name, value);
    try {
      const page = await get(address.href, (text) => readRecords(parse, text));
      yield page;
      if (page.next === undefined) return;
      next = page.next;
    } catch (error) {
      if (!(error instanceof TokenExpired) || restarted) throw error;
      restarted = true;
      next = "";
    }
  }
}

/** Records of one answer. @throws Error for broken XML or an error that the repository reports. */
export function readRecords(parse: XmlReader, text: string): Batch {
  const root = child(parse(text, "OAI-PMH"), "OAI-PMH");
  if (!root) throw new Error("OAI-PMH: answer must be an OAI-PMH document, got other XML.");
  const failure = child(root, "error");
  const code = failure?.attributes["code"];
  if (code === "noRecordsMatch") return { items: [] };
  if (code === "badResumptionToken") throw new TokenExpired(`OAI-PMH: ${failure?.text || code}`);
  if (code !== undefined)
    throw new RefusedError(`OAI-PMH: the repository answered ${code}: ${failure?.text ?? ""}`);
  const list = child(root, "ListRecords");
  if (!list) throw new Error("OAI-PMH: answer must have ListRecords, got none.");
  const token = child(list, "resumptionToken");
  const size = Number(token?.attributes["completeListSize"]);
  return {
    items: (list.children["record"] ?? []).map(readRecord),
    ...(token && token.text !== "" && { next: token.text }),
    ...(size > 0 && { total: size }),
  };
}

function readRecord(record: Element): Item {
  const header = child(record, "header");
  const identifier = textOf(header, "identifier");
  if (header?.attributes["status"] === "deleted") return { removed: normaliseId(identifier) };
  const metadata = child(record, "metadata");
  const arxiv = child(metadata, "arXiv");
  try {
    return { paper: arxiv ? fromArxiv(arxiv) : fromDublinCore(child(metadata, "dc"), identifier) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { problem: { line: 0, message: `${identifier}: ${message}` } };
  }
}

function fromArxiv(record: Element) {
  const authors = child(record, "authors")?.children["author"] ?? [];
  const created = textOf(record, "created");
  return normalisePaper({
    id: textOf(record, "id"),
    title: textOf(record, "title"),
    authors: authors.map((author) =>
      ["forenames", "keyname", "suffix"]
        .map((part) => textOf(author, part))
        .filter(Boolean)
        .join(" "),
    ),
    abstract: textOf(record, "abstract"),
    categories: textOf(record, "categories"),
    venue: "arXiv",
    year: created.slice(0, 4),
    announced: created,
  });
}

/** The format that every OAI-PMH repository has. */
function fromDublinCore(record: Element | undefined, identifier: string) {
  const all = (name: string) => (record?.children[name] ?? []).map(({ text }) => text);
  const date = all("date").sort()[0] ?? "";
  return normalisePaper({
    id: identifier,
    title: all("title")[0],
    authors: all("creator").map((name) =>
      name
        .split(/\s*,\s*/)
        .reverse()
        .join(" "),
    ),
    abstract: all("description").sort((x, y) => y.length - x.length)[0],
    venue: all("source")[0] ?? "",
    year: date.slice(0, 4),
    announced: date,
    url: all("identifier").find((text) => /^https?:/.test(text)),
  });
}
