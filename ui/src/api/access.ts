import { signal } from "@preact/signals";
import { ask, get, locked } from "./client";
import type { Login } from "./types";

/** As whom the server knows this browser; null until it has said so. */
export const login = signal<Login | null>(null);

/** Ask who this is; where a key is needed, `locked` says so from then on. */
export async function whoAmI(): Promise<void> {
  try {
    login.value = await get<Login>("/api/v1/login");
    locked.value = false;
  } catch {
    login.value = null;
  }
}

/** Raises CallAnnotateError. */
export async function logIn(key: string): Promise<void> {
  await ask("/api/v1/login", { method: "POST", headers: { Authorization: `Bearer ${key}` } });
  await whoAmI();
}

export async function logOut(): Promise<void> {
  try {
    await ask("/api/v1/login", { method: "DELETE" });
  } finally {
    login.value = null;
    locked.value = true;
  }
}
