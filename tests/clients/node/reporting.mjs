// What the Node suites share: whom to talk to, and one line of JSON for each result, as suites/reporting.py has it.
import { appendFileSync, readFileSync } from "node:fs";
import assert from "node:assert/strict";

export const site = JSON.parse(readFileSync(process.env.WEIR_SITE, "utf8"));
export const TINY = "the tiny model that stands in for real weights follows no instruction";
export const NO_THOUGHT = "the model is not configured as one that reasons: a 400 that says so";
export const NO_FILES = "an engine keeps no files: a 400 that says so";
const tests = [];

class Cannot extends Error {}

export function cannot(why) {
  throw new Cannot(why);
}

export function needsSense(backend) {
  if (!backend.sensible) cannot(TINY);
}

// The rejection of `promise`, which must be of that class and say something like that.
export async function raises(kind, promise, pattern = /./) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof kind, `${error?.constructor?.name} instead of ${kind.name}: ${error?.message}`);
    assert.match(String(error.message), pattern);
    return error;
  }
  assert.fail(`no ${kind.name}`);
}

export function feature(name, test, run) {
  tests.push({ name, test, run });
}

export async function main() {
  for (const backend of site.backends) {
    for (const { name, test, run } of tests) {
      const line = { feature: name, backend: backend.name, test, outcome: "passed", why: "" };
      try {
        await Promise.race([run(backend), late()]);
      } catch (error) {
        line.outcome = error instanceof Cannot ? "skipped" : "failed";
        line.why = error instanceof Cannot ? error.message : String(error?.stack ?? error);
      }
      appendFileSync(process.env.WEIR_RESULTS, JSON.stringify(line) + "\n");
    }
  }
  process.exit(0);
}

function late() {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("no end after 60 s")), 60_000).unref());
}
