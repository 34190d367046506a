import { mount } from "svelte";
import App from "./App.svelte";
import { startRouter } from "./shared/router.svelte.ts";
import { applySettings } from "./shared/settings.svelte.ts";

applySettings();
startRouter();
mount(App, { target: document.body });
