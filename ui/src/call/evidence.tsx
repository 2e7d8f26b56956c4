import type { Evidence, FoundContact } from "../api/types";
import { percent, t } from "../i18n";
import type { Person } from "./model";

/** Whose telephone or card it is, and what speaks for the name. */
export function Known({ person, use }: { person: Person; use: (name: string) => void }) {
  const { contact, evidence } = person;
  const suggested = person.name === null ? suggestion(person) : null;
  return (
    <>
      {contact && <Contact contact={contact} />}
      {suggested && (
        <button type="button" class="quiet" onClick={() => use(suggested)}>
          {t("use_name", { name: suggested })}
        </button>
      )}
      {evidence.length > 0 && (
        <details class="evidence">
          <summary>{t(person.name === null ? "evidence_maybe" : "evidence")}</summary>
          <ul>
            {evidence.map((one, index) => (
              <li key={index}>
                <span>{worded(one)}</span>
                <span class="figure muted">{percent(one.probability)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Contact({ contact }: { contact: FoundContact }) {
  return (
    <p class="contact">
      <span>{[contact.name, contact.organisation].filter(Boolean).join(", ")}</span>
      {contact.numbers.map((number) => (
        <a key={number} href={`tel:${number.replace(/[^+\d]/g, "")}`}>
          {number}
        </a>
      ))}
    </p>
  );
}

/** The name of the contact that the most speaks for. */
function suggestion({ contact, evidence }: Person): string | null {
  if (contact) return contact.name;
  const likely = [...evidence].sort((one, other) => other.probability - one.probability);
  return likely.find((one) => one.contact)?.contact?.name ?? null;
}

function worded({ kind, text, contact }: Evidence): string {
  const what = t(`evidence_${kind}`, { text });
  return contact && contact.name !== text ? `${what} · ${contact.name}` : what;
}
