import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "./icons";

interface DialogProps {
  title: string;
  close: () => void;
  children: ComponentChildren;
}

/** A window above the page; the browser keeps the focus in it and gives it back. */
export function Dialog({ title, close, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={heading}
      onClose={close}
      onClick={(event) => event.target === element.current && close()}
    >
      <div class="dialog">
        <header>
          <h2 id={heading}>{title}</h2>
          <button type="button" class="plain" aria-label={t("close")} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface SureProps {
  text: string;
  action: string;
  close: (sure: boolean) => void;
}

/** Asks before something that cannot be undone. */
export function Sure({ text, action, close }: SureProps) {
  return (
    <Dialog title={action} close={() => close(false)}>
      <p>{text}</p>
      <div class="actions">
        <button type="button" onClick={() => close(false)}>
          {t("cancel")}
        </button>
        <button type="button" class="danger" onClick={() => close(true)}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
