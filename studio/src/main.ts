import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/source-serif-4/wght.css";
import "@fontsource-variable/source-serif-4/wght-italic.css";
import "./shared/theme/tokens.css";
import "./shared/theme/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { startRouter } from "./shared/router.svelte.ts";
import { keepSettings } from "./shared/settings.svelte.ts";

keepSettings();
startRouter();
mount(App, { target: document.body });
