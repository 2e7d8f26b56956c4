import { useId, useState } from "preact/hooks";
import { t } from "../i18n";
import { Menu } from "../parts/menu";
import type { Row } from "./model";
import type { CallState } from "./state";

/** Who said a row, and the choice of somebody else: one of the call, or a new one by name. */
export function SpeakerMenu({ call, row, name }: { call: CallState; row: Row; name: string }) {
  const people = call.people.value;
  const next = `speaker_${Math.max(0, ...people.map((person) => person.number)) + 1}`;
  const moved = row.speaker !== row.speakerId;
  if (call.asHeard.value) return <span class="name">{name}</span>;
  return (
    <Menu className={moved ? "moved" : ""} name={`${name}. ${t("change_speaker")}`} label={name}>
      {(close) => (
        <>
          <p class="panel-title">{t("said_by")}</p>
          {people.map(({ id, colour }) => (
            <button
              key={id}
              type="button"
              class={`c${colour}`}
              aria-pressed={id === row.speaker}
              onClick={() => {
                close();
                if (id !== row.speaker) void call.sayWho(row, id);
              }}
            >
              <span class="dot" />
              {call.nameOf(id)}
            </button>
          ))}
          <Another
            add={(text) => {
              close();
              void call.sayWho(row, next, text);
            }}
          />
        </>
      )}
    </Menu>
  );
}

/** A speaker whom the machine did not tell apart. */
function Another({ add }: { add: (name: string) => void }) {
  const [text, setText] = useState("");
  const field = useId();
  return (
    <form
      class="another"
      onSubmit={(event) => {
        event.preventDefault();
        add(text);
      }}
    >
      <label for={field}>{t("new_speaker")}</label>
      <div>
        <input
          id={field}
          value={text}
          maxLength={200}
          autocomplete="off"
          placeholder={t("new_speaker_hint")}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") event.stopPropagation();
          }}
        />
        <button type="submit">{t("add")}</button>
      </div>
    </form>
  );
}
