import { useEffect } from "preact/hooks";
import { CallPage } from "./call/page";
import { CallsPage } from "./calls/page";
import { type Language, chooseLanguage, language, t } from "./i18n";
import { LivePage } from "./live/page";
import { Icon, Logo } from "./parts/icons";
import { Announcer } from "./parts/announce";
import { type Theme, theme } from "./prefs";
import { CALLS, LIVE, place } from "./router";

export function App() {
  const here = place.value;
  useEffect(() => {
    document.getElementById("content")?.focus({ preventScroll: true });
  }, [here.page]);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {t("skip")}
      </a>
      <Header />
      <main id="content" tabIndex={-1} class={here.page === "call" ? "wide" : ""}>
        {here.page === "calls" && <CallsPage />}
        {here.page === "call" && <CallPage key={here.job} jobId={here.job} />}
        {here.page === "live" && <LivePage />}
        {here.page === "nowhere" && <p class="nothing">{t("not_found")}</p>}
      </main>
      <Announcer />
    </>
  );
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
      <a class="brand" href={CALLS}>
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
        <a href="/api/docs">{t("api")}</a>
      </nav>
      <LanguageSwitch />
      <ThemeSwitch />
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
