import { signal } from "@preact/signals";
import { en, type Texts } from "./en";
import { ru } from "./ru";

export type Language = "en" | "ru";
const TEXTS: Record<Language, Texts> = { en, ru };
const KEPT = "callannotate.language";

type PlainKey = { [Key in keyof Texts]: Texts[Key] extends string ? Key : never }[keyof Texts];
type PluralKey = Exclude<keyof Texts, PlainKey>;
type Values = Readonly<Record<string, string | number>>;

/** The language of the page. */
export const language = signal<Language>(remembered() ?? preferred());

function remembered(): Language | null {
  const kept = localStorage.getItem(KEPT);
  return kept === "en" || kept === "ru" ? kept : null;
}

function preferred(): Language {
  const first = navigator.languages.find((tag) => /^(en|ru)\b/i.test(tag)) ?? "en";
  return first.toLowerCase().startsWith("ru") ? "ru" : "en";
}

export function chooseLanguage(chosen: Language): void {
  localStorage.setItem(KEPT, chosen);
  language.value = chosen;
}

function filled(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A text in the language of the page. */
export function t(key: PlainKey, values: Values = {}): string {
  return filled(TEXTS[language.value][key], values);
}

/** A text with a number, in the form that the language wants for it. */
export function counted(key: PluralKey, n: number): string {
  const forms = TEXTS[language.value][key];
  const form = new Intl.PluralRules(language.value).select(n);
  const text = (form === "few" || form === "many" ? forms[form] : form === "one" ? forms.one : undefined) ?? forms.other;
  return filled(text, { n: new Intl.NumberFormat(language.value).format(n) });
}

/** Such as 87 %. */
export function percent(share: number): string {
  return new Intl.NumberFormat(language.value, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

/** Such as 1:02:03 or 2:03. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(m).padStart(h > 0 ? 2 : 1, "0")}:${String(s).padStart(2, "0")}`;
  return h > 0 ? `${h}:${tail}` : tail;
}

/** The page's language as the reader's country writes it. */
function locale(): string {
  return navigator.languages.find((tag) => tag.startsWith(language.value)) ?? language.value;
}

/** A moment as people write it: the time alone for today. */
export function moment(iso: string): string {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const format: Intl.DateTimeFormatOptions = today
    ? { hour: "2-digit", minute: "2-digit" }
    : { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(locale(), format).format(date);
}

/** Such as 12 MB. */
export function bytes(count: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  const unit = units[power] ?? "byte";
  return new Intl.NumberFormat(language.value, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 }).format(
    count / 1024 ** power,
  );
}

const names = new Map<Language, Intl.DisplayNames>();

/** The name of a language by its code. */
export function languageName(code: string): string {
  const known = names.get(language.value) ?? new Intl.DisplayNames(language.value, { type: "language" });
  names.set(language.value, known);
  try {
    return known.of(code) ?? code;
  } catch {
    return code;
  }
}
