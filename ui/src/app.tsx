import { useEffect } from "preact/hooks";
import { logOut, login, whoAmI } from "./api/access";
import { locked } from "./api/client";
import { CallPage } from "./call/page";
import { CallsPage } from "./calls/page";
import { type Language, chooseLanguage, language, t } from "./i18n";
import { LivePage } from "./live/page";
import { LoginPage } from "./login";
import { Icon, Logo } from "./parts/icons";
import { Announcer } from "./parts/announce";
import { type Theme, theme } from "./prefs";
import { CALLS, LIVE, type Place, VOICES, place } from "./router";
import { VoicesPage } from "./voices/page";

export function App() {
  const here = place.value;
  useEffect(() => {
    document.getElementById("content")?.focus({ preventScroll: true });
  }, [here.page]);
  useEffect(() => void whoAmI(), []);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {t("skip")}
      </a>
      <Header />
      <main id="content" tabIndex={-1} class={here.page === "call" && !locked.value ? "wide" : ""}>
        {locked.value ? <LoginPage /> : <Content here={here} />}
      </main>
      <Announcer />
    </>
  );
}

function Content({ here }: { here: Place }) {
  switch (here.page) {
    case "calls":
      return <CallsPage />;
    case "call":
      return <CallPage key={here.job} jobId={here.job} />;
    case "live":
      return <LivePage />;
    case "voices":
      return <VoicesPage />;
    default:
      return <p class="nothing">{t("not_found")}</p>;
  }
}

function skip(event: Event): void {
  // The address holds the page, so the browser's own jump is not wanted.
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function Header() {
  const page = place.value.page;
  return (
    <header class="top">
      <a class="brand" href={CALLS} aria-label={t("app")}>
        <Logo />
        <span>{t("app")}</span>
      </a>
      <nav aria-label={t("nav")}>
        <a href={CALLS} aria-current={page === "calls" || page === "call" ? "page" : undefined}>
          {t("calls")}
        </a>
        <a href={LIVE} aria-current={page === "live" ? "page" : undefined}>
          {t("live")}
        </a>
        <a href={VOICES} aria-current={page === "voices" ? "page" : undefined}>
          {t("voices")}
        </a>
        <a class="wide-only" href="/api/docs">
          {t("api")}
        </a>
      </nav>
      <LanguageSwitch />
      <ThemeSwitch />
      {login.value?.by === "login" && <Leave name={login.value.name ?? ""} />}
    </header>
  );
}

function LanguageSwitch() {
  const languages: Record<Language, string> = { en: "English", ru: "Русский" };
  return (
    <div class="switch" role="group" aria-label={t("language")}>
      {(Object.keys(languages) as Language[]).map((code) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-label={`${code.toUpperCase()}, ${languages[code]}`}
          aria-pressed={language.value === code}
          onClick={() => chooseLanguage(code)}
        >
          {code.toUpperCase()}
        </button>
      ))}
    </div>
  );
}

function Leave({ name }: { name: string }) {
  const label = [t("key_leave"), name].filter(Boolean).join(": ");
  return (
    <button type="button" class="plain" aria-label={label} title={label} onClick={() => void logOut()}>
      <Icon name="leave" />
    </button>
  );
}

function ThemeSwitch() {
  const next: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
  const label = `${t("theme")}: ${t(`theme_${theme.value}`)}`;
  return (
    <button
      type="button"
      class="plain"
      aria-label={label}
      title={label}
      onClick={() => {
        theme.value = next[theme.value];
      }}
    >
      <Icon name={theme.value} />
    </button>
  );
}
