import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface MenuProps {
  label: ComponentChildren;
  name?: string;
  className?: string;
  children: (close: () => void) => ComponentChildren;
}

/** A button with a panel of links or buttons below it; Escape and a click beside it close it. */
export function Menu({ label, name, className = "", children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return undefined;
    root.current?.querySelector<HTMLElement>(".panel a, .panel button")?.focus();
    const beside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", beside);
    return () => document.removeEventListener("pointerdown", beside);
  }, [open]);

  function close(): void {
    setOpen(false);
    button.current?.focus();
  }

  function key(event: KeyboardEvent): void {
    if (!open) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      event.stopPropagation();
      const all = [...(root.current?.querySelectorAll<HTMLElement>(".panel a, .panel button") ?? [])];
      const now = all.indexOf(document.activeElement as HTMLElement);
      all[(now + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]?.focus();
    }
  }

  return (
    <div class={`menu ${className}`} ref={root} onKeyDown={key}>
      <button
        ref={button}
        type="button"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={name}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open && (
        <div class="panel" id={id}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
