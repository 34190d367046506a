// What the report says around the claims, in its two languages.
import type { Verdict } from "../judge.ts";

export type Language = "en" | "zh";

/** Words of the page. */
export interface PageWords {
  readonly title: string;
  readonly about: string;
  readonly other: string;
  readonly search: string;
  readonly allVerdicts: string;
  readonly none: string;
  readonly noneYet: string;
  readonly nothing: string;
  readonly theme: string;
  readonly contents: string;
  readonly source: string;
  readonly needs: string;
  readonly rules: string;
  readonly premise: string;
  readonly beyond: string;
  readonly rows: (count: number) => string;
  readonly command: string;
  readonly run: (date: string, hours: string, machine: string, commit: string) => string;
  readonly minutes: (quick: number, full: number) => string;
  readonly answers: { readonly yes: string; readonly no: string; readonly unknown: string };
  readonly tally: (count: number, of: Readonly<Record<Verdict | "none", number>>) => string;
}

export const WORDS: Readonly<Record<Language, PageWords>> = {
  en: {
    title: "The lab: published claims, executed",
    about:
      "Each claim was published in an article or paper. Its rules were written before the run; the verdict follows from the rows by those rules alone, and from full runs alone.",
    other: "中文",
    search: "Search claims, sources, methods",
    allVerdicts: "all verdicts",
    none: "no full run yet",
    noneYet: "No full run stands behind this claim yet, so there is no verdict. These rules will decide:",
    nothing: "Nothing matches.",
    theme: "Light or dark",
    contents: "Contents",
    source: "Source",
    needs: "Needs",
    rules: "What decided",
    premise: "premise",
    beyond: "Cannot be had at this size",
    rows: (count) => `${count} rows`,
    command: "Command",
    run: (date, hours, machine, commit) => `Run ${date}, ${hours} hours, ${machine}, commit ${commit}.`,
    minutes: (quick, full) => `About ${quick} minutes with --quick, ${full} with --full.`,
    answers: { yes: "holds", no: "fails", unknown: "not had" },
    tally: (count, of) =>
      `${count} claims: ${of.holds} hold, ${of["holds in part"]} in part, ${of["does not hold here"]} do not hold here, ${of["cannot be had at this size"]} cannot be had at this size, ${of.none} without a full run.`,
  },
  zh: {
    title: "实验室：把文章的结论跑一遍",
    about:
      "每条结论都出自公开的文章或论文。判断规则写于运行之前；结论是否成立只由这些规则与完整运行的数据决定。",
    other: "English",
    search: "搜索结论、出处、方法",
    allVerdicts: "全部判断",
    none: "尚未完整运行",
    noneYet: "该结论还没有完整运行，因此没有判断。将由以下规则决定：",
    nothing: "没有匹配的条目。",
    theme: "浅色或深色",
    contents: "目录",
    source: "出处",
    needs: "需要",
    rules: "判断依据",
    premise: "前提",
    beyond: "此规模下无法得到",
    rows: (count) => `${count} 行数据`,
    command: "命令",
    run: (date, hours, machine, commit) => `运行于 ${date}，共 ${hours} 小时，${machine}，提交 ${commit}。`,
    minutes: (quick, full) => `--quick 约 ${quick} 分钟，--full 约 ${full} 分钟。`,
    answers: { yes: "成立", no: "不成立", unknown: "无数据" },
    tally: (count, of) =>
      `共 ${count} 条：成立 ${of.holds}，部分成立 ${of["holds in part"]}，此处不成立 ${of["does not hold here"]}，此规模下无法验证 ${of["cannot be had at this size"]}，尚未完整运行 ${of.none}。`,
  },
};
