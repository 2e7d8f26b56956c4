import { render } from "preact";
import "@fontsource-variable/inter/wght.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/calls.css";
import "./styles/call.css";
import "./styles/player.css";
import "./styles/transcript.css";
import "./styles/people.css";
import "./styles/live.css";
import "./styles/login.css";
import "./styles/voices.css";
import { App } from "./app";
import { startPreferences } from "./prefs";

startPreferences();
const root = document.getElementById("app");
if (root) render(<App />, root);
