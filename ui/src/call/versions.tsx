import { useState } from "preact/hooks";
import { counted, t } from "../i18n";
import { Sure } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import type { CallState } from "./state";

/** Corrections of the call: the last one taken back, all of them, or the machine's version for comparison. */
export function Versions({ call }: { call: CallState }) {
  const [asking, setAsking] = useState(false);
  const { corrector } = call;
  const count = corrector.count.value;
  const undoable = corrector.undoable.value.length > 0;
  if (count === 0 && !undoable) return null;
  return (
    <>
      {undoable && (
        <button type="button" class="plain" aria-label={t("undo")} title={t("undo")} onClick={() => void corrector.undo()}>
          <Icon name="undo" />
        </button>
      )}
      {count > 0 && (
        <Menu className="right versions" label={counted("corrected", count)}>
          {(close) => (
            <>
              <button
                type="button"
                onClick={() => {
                  call.open.value = null;
                  call.asHeard.value = !call.asHeard.value;
                  close();
                }}
              >
                {t(call.asHeard.value ? "show_corrected" : "show_machine")}
              </button>
              <button
                type="button"
                onClick={() => {
                  close();
                  setAsking(true);
                }}
              >
                {t("undo_all")}
              </button>
            </>
          )}
        </Menu>
      )}
      {asking && (
        <Sure
          text={t("undo_sure")}
          action={t("undo_all")}
          close={(sure) => {
            setAsking(false);
            if (!sure) return;
            call.asHeard.value = false;
            void corrector.takeBackAll();
          }}
        />
      )}
    </>
  );
}
