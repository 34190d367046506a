// The report as one page that needs no server: claim, source, rows, pictures, verdict and what decided it.
import { escapeXml } from "../../draw/svg.ts";
import type { AnyEntry } from "../entry.ts";
import { type Finding, type Verdict, VERDICTS } from "../judge.ts";
import { type Standing, unitsIn } from "../result.ts";
import { TABLE, type TableRow } from "../table.ts";
import { rowsOf } from "../unit.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { type Language, WORDS } from "./words.ts";

/** An entry and what stands of it. */
export interface Reported {
  readonly entry: AnyEntry;
  readonly standing: Standing;
}

/** Names of the two pages, which lead to one another. */
export const PAGES: Readonly<Record<Language, string>> = { en: "index.html", zh: "index.zh.html" };

/** The whole page in one language. */
export function reportPage(all: readonly Reported[], language: Language): string {
  const words = WORDS[language];
  const rows = (Object.keys(TABLE) as TableRow[]).filter((row) => all.some(({ entry }) => entry.row === row));
  const other: Language = language === "en" ? "zh" : "en";
  const verdicts = Object.entries(VERDICTS).map(
    ([name, said]) => `<option value="${name}">${escapeXml(said[language])}</option>`,
  );
  const sections = rows.map((row) => {
    const own = all.filter(({ entry }) => entry.row === row).map((one) => articleOf(one, language));
    return `<section id="row-${row}"><h2>${escapeXml(TABLE[row][language])}</h2>\n${own.join("\n")}</section>`;
  });
  return `<!doctype html>
<html lang="${language === "zh" ? "zh-CN" : "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(words.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escapeXml(words.title)}</h1>
<p>${escapeXml(words.about)}</p>
<p>${escapeXml(words.tally(all.length, tally(all)))} <a href="${PAGES[other]}" hreflang="${other}" lang="${other}">${words.other}</a></p>
</header>
<main>
<div class="bar" role="search" hidden>
<input id="search" type="search" placeholder="${escapeXml(words.search)}" aria-label="${escapeXml(words.search)}">
<select id="choice" aria-label="${escapeXml(words.allVerdicts)}"><option value="">${escapeXml(words.allVerdicts)}</option>${verdicts.join("")}<option value="none">${escapeXml(words.none)}</option></select>
<button id="theme" type="button">${escapeXml(words.theme)}</button>
</div>
<nav aria-label="${escapeXml(words.contents)}"><ol>${rows
    .map((row) => `<li><a href="#row-${row}">${escapeXml(TABLE[row][language])}</a></li>`)
    .join("")}</ol></nav>
<p id="nothing" hidden>${escapeXml(words.nothing)}</p>
${sections.join("\n")}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function tally(all: readonly Reported[]): Record<Verdict | "none", number> {
  const counts = {
    holds: 0,
    "holds in part": 0,
    "does not hold here": 0,
    "cannot be had at this size": 0,
    none: 0,
  };
  for (const { standing } of all) counts[standing.verdict ?? "none"]++;
  return counts;
}

function articleOf({ entry, standing }: Reported, language: Language): string {
  const words = WORDS[language];
  const { verdict, result, judgement } = standing;
  const rows = result && verdict !== null ? rowsOf(unitsIn(result)) : [];
  const pictures = rows.length === 0 ? [] : Object.entries(entry.figures(rows));
  const links = entry.source.links.map(
    (link) => `<a href="${escapeXml(link)}">${escapeXml(link.replace("https://", ""))}</a>`,
  );
  const rules: readonly Finding[] =
    judgement?.findings ??
    entry.rules.map(({ says, premise = false }) => ({ says, premise, holds: null, shows: "" }));
  const told = rules.map((rule) => `<li>${ruleOf(rule, verdict !== null, language)}</li>`);
  return `<article id="${entry.name}" data-verdict="${verdict ?? "none"}">
<div class="head"><span>${entry.name}</span><span class="verdict" data-verdict="${verdict ?? "none"}">${escapeXml(verdict === null ? words.none : VERDICTS[verdict][language])}</span></div>
<h3>${escapeXml(entry.claim[language])}</h3>
<p class="small">${escapeXml(words.source)}: ${escapeXml(entry.source.says)}. ${links.join(", ")}</p>
${verdict === null ? `<p>${escapeXml(words.noneYet)}</p>` : `<p>${escapeXml(words.rules)}:</p>`}
<ul class="rules${verdict === null ? " open" : ""}">${told.join("")}</ul>
${pictures.map(([file, svg]) => `<figure tabindex="0"><img alt="${altOf(svg, file)}" src="${imageOf(svg)}" loading="lazy"></figure>`).join("\n")}
${beyondOf(entry, language)}
${tableOf(rows, language)}
<p class="small">${escapeXml(words.command)}: <code>athanor lab run ${entry.name} --full</code>. ${escapeXml(circumstancesOf(entry, standing, language))}${needsOf(entry, language)}</p>
</article>`;
}

function ruleOf({ holds, says, premise, shows }: Finding, decided: boolean, language: Language): string {
  const words = WORDS[language];
  const kind = holds === null ? "unknown" : holds ? "yes" : "no";
  const answer = decided ? `<b class="${kind}">${escapeXml(words.answers[kind])}</b>` : "";
  const mark = premise ? `<i>${escapeXml(words.premise)}: </i>` : "";
  return `${answer}${mark}${escapeXml(says[language])}${shows === "" ? "" : ` <span class="small">[${escapeXml(shows)}]</span>`}`;
}

function circumstancesOf({ minutes }: AnyEntry, { verdict, result }: Standing, language: Language): string {
  const words = WORDS[language];
  if (verdict === null || result === undefined) return words.minutes(minutes.quick, minutes.full);
  const { date, hours, machine, commit } = result;
  return words.run(
    date.slice(0, 10),
    hours.toFixed(2),
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`,
    commit ?? "–",
  );
}

function needsOf({ needs }: AnyEntry, language: Language): string {
  if (needs.length === 0) return "";
  const list = needs.map(({ what, install }) => `${what} (${install})`).join("; ");
  return ` ${escapeXml(WORDS[language].needs)}: ${escapeXml(list)}.`;
}

function beyondOf({ beyond = [] }: AnyEntry, language: Language): string {
  if (beyond.length === 0) return "";
  const list = beyond.map((words) => `<li>${escapeXml(words[language])}</li>`).join("");
  return `<p class="small">${escapeXml(WORDS[language].beyond)}:</p><ul class="small">${list}</ul>`;
}

/** All rows, folded away. */
function tableOf(rows: readonly object[], language: Language): string {
  if (rows.length === 0) return "";
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const head = names.map((name) => `<th scope="col">${escapeXml(name)}</th>`).join("");
  const body = rows.map((row) => {
    const cells = names.map(
      (name) => `<td>${escapeXml(cellOf((row as Readonly<Record<string, unknown>>)[name]))}</td>`,
    );
    return `<tr>${cells.join("")}</tr>`;
  });
  return `<details><summary>${escapeXml(WORDS[language].rows(rows.length))}</summary><div class="wide" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div></details>`;
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number")
    return Number.isInteger(value) ? String(value) : Number(value.toPrecision(5)).toString();
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A picture's own title, which it carries as its label, escaped already. */
function altOf(svg: string, file: string): string {
  return /aria-label="([^"]*)"/.exec(svg)?.[1] ?? file;
}

/** As an image of its own, so that no style or id of one picture meets another's. */
function imageOf(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
