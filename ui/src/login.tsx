import { useEffect, useId, useState } from "preact/hooks";
import { logIn } from "./api/access";
import { told } from "./api/client";
import { t } from "./i18n";

/** What can stand in a header. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** Asks for a key, where the server wants one. */
export function LoginPage() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useId();
  useEffect(() => {
    document.title = `${t("key_enter")} · ${t("app")}`;
    document.getElementById(field)?.focus();
  }, [field]);

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    setProblem("");
    if (!SENDABLE.test(key.trim())) {
      setProblem(t("key_shape"));
      return;
    }
    setBusy(true);
    try {
      await logIn(key.trim());
    } catch (error) {
      setProblem(told(error));
      setBusy(false);
    }
  }

  return (
    <form class="login" onSubmit={(event) => void send(event)}>
      <h1>{t("key_title")}</h1>
      <p class="muted">{t("key_hint")}</p>
      <label for={field}>{t("key")}</label>
      <input
        id={field}
        type="password"
        autocomplete="current-password"
        required
        value={key}
        onInput={(event) => setKey(event.currentTarget.value)}
      />
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="primary" disabled={busy} aria-busy={busy}>
        {t("key_enter")}
      </button>
    </form>
  );
}
