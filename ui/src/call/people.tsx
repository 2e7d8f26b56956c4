import { useEffect, useRef, useState } from "preact/hooks";
import { counted, percent, t } from "../i18n";
import { Icon } from "../parts/icons";
import { Enrol } from "./enrol";
import { Known } from "./evidence";
import type { Person } from "./model";
import type { CallState } from "./state";

/** Who speaks: names, shares of the speech, voices to be remembered. */
export function People({ call }: { call: CallState }) {
  const [enrolling, setEnrolling] = useState<Person | null>(null);
  const people = call.people.value;
  const speech = people.reduce((sum, person) => sum + person.speech, 0) || 1;
  return (
    <aside class="people" aria-label={t("speakers")}>
      <h2>{t("speakers")}</h2>
      <ul>
        {people.map((person) => (
          <PersonCard
            key={person.id}
            call={call}
            person={person}
            share={person.speech / speech}
            enrol={() => setEnrolling(person)}
          />
        ))}
      </ul>
      {enrolling && <Enrol call={call} person={enrolling} close={() => setEnrolling(null)} />}
    </aside>
  );
}

interface CardProps {
  call: CallState;
  person: Person;
  share: number;
  enrol: () => void;
}

function PersonCard({ call, person, share, enrol }: CardProps) {
  const name = call.nameOf(person.id);
  return (
    <li class={`person c${person.colour}`} data-speaker={person.id}>
      <Name call={call} person={person} name={name} />
      <div class="bar" aria-hidden="true">
        <span style={{ width: `${100 * share}%` }} />
      </div>
      <p class="facts">
        {[t("share", { percent: percent(share) }), counted("words_count", person.words), origin(person)]
          .filter(Boolean)
          .join(" · ")}
      </p>
      <Known person={person} use={(chosen) => void call.nameSpeaker(person.id, chosen)} />
      {person.heard && person.speech > 0 && (
        <button type="button" class="quiet" onClick={enrol}>
          <Icon name="voice" size={16} />
          {t("enrol")}
        </button>
      )}
    </li>
  );
}

function origin(person: Person): string {
  if (person.byHand) return t("named");
  return person.name ? t("recognised", { percent: percent(person.confidence) }) : "";
}

/** The name, which becomes a field when it is chosen. */
function Name({ call, person, name }: { call: CallState; person: Person; name: string }) {
  const [writing, setWriting] = useState(false);
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const closing = useRef(false);
  const open = useRef(false);
  useEffect(() => {
    if (writing) input.current?.select();
    else if (closing.current) button.current?.focus();
    closing.current = writing;
  }, [writing]);

  function finish(keep: boolean): void {
    // The field says goodbye once more when it goes.
    if (!open.current) return;
    open.current = false;
    setWriting(false);
    if (keep && text.trim() !== (person.name ?? "")) void call.nameSpeaker(person.id, text);
  }

  if (writing) {
    return (
      <form
        class="name"
        onSubmit={(event) => {
          event.preventDefault();
          finish(true);
        }}
      >
        <span class="dot" />
        <input
          ref={input}
          value={text}
          maxLength={200}
          placeholder={t("speaker_n", { n: person.number })}
          aria-label={t("rename", { name })}
          onInput={(event) => setText(event.currentTarget.value)}
          onBlur={() => finish(true)}
          onKeyDown={(event) => {
            if (event.key === "Escape") finish(false);
          }}
        />
      </form>
    );
  }
  return (
    <div class="name">
      <span class="dot" />
      <button
        ref={button}
        type="button"
        class="plain"
        aria-label={t("rename", { name })}
        title={t("rename", { name })}
        onClick={() => {
          setText(person.name ?? "");
          open.current = true;
          setWriting(true);
        }}
      >
        <span>{name}</span>
        <Icon name="edit" size={15} />
      </button>
    </div>
  );
}
