import { useId } from "preact/hooks";
import { languageName, t } from "../i18n";

const FIRST = ["en", "ru"];

interface LanguageChoiceProps {
  /** All that the server's model knows. */
  codes: readonly string[];
  /** Empty where it is to be detected. */
  chosen: string;
  choose: (code: string) => void;
}

/** The language that is spoken: English and Russian first, the rest by their names. */
export function LanguageChoice({ codes, chosen, choose }: LanguageChoiceProps) {
  const id = useId();
  const others = codes.filter((code) => !FIRST.includes(code));
  others.sort((one, other) => languageName(one).localeCompare(languageName(other)));
  return (
    <>
      <label for={id}>{t("spoken")}</label>
      <select id={id} value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{t("detect")}</option>
        {[...FIRST, ...others].map((code) => (
          <option key={code} value={code}>
            {languageName(code)}
          </option>
        ))}
      </select>
    </>
  );
}
