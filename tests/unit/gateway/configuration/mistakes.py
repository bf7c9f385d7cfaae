"""Mistakes in a configuration: what of the small one is written otherwise, and what is to be said of it."""

CASES = {
    "unknown key": (
        "jurisdiction: US",
        "jurisdicton: US",
        "a.yaml:4: unknown key `jurisdicton` in `zones.cloud`\n"
        "    did you mean `jurisdiction`? (allowed: certified, inside, jurisdiction, retention_days, trains_on_data)",
    ),
    "unknown section": (
        "aliases: {auto: routed}",
        "alias: {auto: routed}",
        "a.yaml:11: unknown key `alias`\n    did you mean `aliases`? (allowed: actions, affinity, air_gapped, aliases, "
        "backends, boundaries, complexity, models, reserve, routes, sensitivity, server, site, state, telemetry, "
        "tenants, zones)",
    ),
    "unknown kind of backend": (
        "kind: vllm",
        "kind: vlm",
        "a.yaml:6: `backends.gpu.kind`: `vlm` is not possible\n"
        "    did you mean `vllm`? (allowed: anthropic, azure, bedrock, openai, vllm)",
    ),
    "missing key": (
        "large: {backend: cloud}",
        "large: {}",
        "a.yaml:10: `backend` is missing in `models.large`",
    ),
    "unknown backend": (
        "large: {backend: cloud}",
        "large: {backend: clod}",
        "a.yaml:10: there is no backend `clod`\n    did you mean `cloud`? (allowed: cloud, gpu)",
    ),
    "unknown zone": (
        "kind: vllm, zone: home",
        "kind: vllm, zone: hom",
        "a.yaml:6: there is no zone `hom`\n    did you mean `home`? (allowed: cloud, home)",
    ),
    "model without zone": (
        "kind: vllm, zone: home,",
        "kind: vllm,",
        "a.yaml:6: `zone` is missing in `backends.gpu`",
    ),
    "unknown model": (
        "on_failure: [small]",
        "on_failure: [smal]",
        "a.yaml:15: there is no model `smal`\n    did you mean `small`? (allowed: large, small)",
    ),
    "detector without address": (
        "aliases: {auto: routed}",
        "aliases: {auto: routed}\nsensitivity: {detectors: [{name: names, zone: home}]}",
        "a.yaml:12: the detector `names` has no `url`\n    where it is asked",
    ),
    "detector without zone": (
        "site: home",
        "sensitivity: {detectors: [{name: names, url: 'http://h/'}]}",
        "a.yaml:1: the detector `names` stands in no zone\n    name its `zone`",
    ),
    "detector in a process of Weir's, elsewhere": (
        "aliases: {auto: routed}",
        "aliases: {auto: routed}\nsensitivity: {detectors: [{name: names, kind: presidio, zone: cloud}]}",
        "a.yaml:12: the detector `names` runs on this machine, which is not in `cloud`\n"
        "    leave `zone` out: it is the site, home",
    ),
    "what holds for a process only": (
        "aliases: {auto: routed}",
        "aliases: {auto: routed}\nsensitivity: {detectors: [{name: names, zone: home, url: 'http://h/', score: 1}]}",
        "a.yaml:12: `score` is for Presidio in a process of Weir's own, and `names` is asked elsewhere",
    ),
    "expression that is none": (
        "aliases: {auto: routed}",
        "aliases: {auto: routed}\nsensitivity: {patterns: {case: 'CASE-('}}",
        "a.yaml:12: pattern `case`: it is no regular expression: missing ), unterminated subpattern at position 5",
    ),
    "expression that matches nothing": (
        "aliases: {auto: routed}",
        "aliases: {auto: routed}\nsensitivity: {patterns: {case: '[0-9]*'}}",
        "a.yaml:12: pattern `case`: it matches nothing at all: ask for one character at least",
    ),
    "unknown level": (
        "at_least: confidential",
        "at_least: confidental",
        "a.yaml:13: `boundaries[0].data.at_least`: `confidental` is not a level\n"
        "    did you mean `confidential`? (allowed: confidential, internal, public, restricted)",
    ),
    "unknown condition": (
        "complexity: {at_least: 0.7}",
        "complexty: {at_least: 0.7}",
        "a.yaml:15: unknown key `complexty` in `routes[0].when`\n    did you mean `complexity`? (allowed: all, any,"
        " budget_used, category, complexity, kind, language, level, modality, model, not, prompt_tokens, stream,"
        " tenant, tools, workflow)",
    ),
    "out of range": (
        "at_least: 0.7",
        "at_least: 7",
        "a.yaml:15: `routes[0].when.complexity.at_least`: it should be less than or equal to 1",
    ),
    "empty condition": (
        "{complexity: {at_least: 0.7}}",
        "{}",
        "a.yaml:15: `routes[0].when`: the condition is empty: leave `when` out to match every request",
    ),
    "empty only": (
        "only: {inside: true}",
        "only: {}",
        "a.yaml:13: `boundaries[0].only`: `only` asks for nothing: say what the zone must be, like {inside: true}",
    ),
    "unknown capability": (
        "can: [tools]",
        "can: [tool]",
        "a.yaml:9: `models.small.can[0]`: `tool` is not a capability\n    did you mean `tools`?"
        " (allowed: audio, completions, embeddings, files, json_schema, reasoning, rerank, tools, vision)",
    ),
    "a budget under a wrong name": (
        "acme: {}",
        "acme: {workflows: {chat: {budget: {usd_per_hour: 2}}}}",
        "a.yaml:18: unknown key `usd_per_hour` in `tenants.acme.workflows.chat.budget`\n    did you mean"
        " `usd_per_month`? (allowed: gpu_seconds_per_day, usd_per_day, usd_per_month)",
    ),
    "another kind of state": (
        "acme: {}",
        "acme: {}\nstate: {redis: http://127.0.0.1:6379}",
        "a.yaml:19: this is not Redis's address\n    like redis://127.0.0.1:6379/0",
    ),
    "no address": (
        ", replicas: [http://10.0.0.1:8000]",
        "",
        "a.yaml:6: `backends.gpu`: a vllm backend needs `replicas`, like [http://10.0.0.4:8000]",
    ),
    "password in an address": (
        "http://10.0.0.1:8000",
        "http://me:pass@10.0.0.1:8000",
        "a.yaml:6: `backends.gpu.replicas[0]`: an address holds no user or password: use api_key",
    ),
    "condition on the last route": (
        "{name: everyday, use: [small]}",
        "{name: everyday, when: {tools: true}, use: [small]}",
        "a.yaml:16: the last route `everyday` has a condition, so some requests would match no route\n"
        "    add a last route without `when`",
    ),
    "route behind one without condition": (
        "when: {complexity: {at_least: 0.7}}, ",
        "",
        "a.yaml:16: the route `everyday` is unreachable: `hard` before it has no condition\n"
        "    give `hard` a `when`, or move it to the end",
    ),
    "route that nobody may take": (
        "when: {complexity: {at_least: 0.7}}, use: [large], on_failure: [small]",
        "when: {level: restricted}, use: [large]",
        "a.yaml:15: the route `hard` is unreachable: no target of it can ever be permitted (large: boundary"
        " stays-home: zone cloud is outside)\n    change or remove it",
    ),
    "retired model": (
        "large: {backend: cloud}",
        "large: {backend: cloud, retires: 2026-11-21}",
        "a.yaml:10: the model `large` has been retired since 2026-11-21\n"
        "    remove it from models, aliases and routes, or name its successor",
    ),
    "weights of nothing": (
        "use: [small]",
        "use: {small: 0}",
        "a.yaml:16: the weights of the route `everyday` are all 0",
    ),
    "the site is outside": (
        "site: home",
        "site: cloud",
        "a.yaml:1: the gateway cannot stand in `cloud`, which is outside\n"
        "    everything it is sent would be outside already",
    ),
    "a provider inside": (
        "kind: openai, zone: cloud",
        "kind: openai, zone: home",
        "a.yaml:7: the backend `cloud` is at https://api.openai.com, which cannot be inside, but its zone is\n"
        "    give it a zone that is outside, or `replicas` of your own",
    ),
    "air gap": (
        "site: home",
        "air_gapped: true",
        "a.yaml:4: the zone `cloud` is outside, and `air_gapped: true` admits none\n"
        "    remove the zone with its backends and models, or set air_gapped: false",
    ),
    "key twice in a mapping": (
        "site: home",
        "site: home\nsite: cloud",
        "a.yaml:2: `site` stands twice in one mapping, first at line 1\n"
        "    keep one of them: YAML readers disagree about which one counts",
    ),
    "alias named like a model": (
        "{auto: routed}",
        "{auto: routed, small: large}",
        "a.yaml:11: `small` is the name of a model already\n    one name, one meaning",
    ),
    "alias to nothing": (
        "{auto: routed}",
        "{auto: routed, best: larg}",
        "a.yaml:11: there is no model `larg`\n    did you mean `large`? (allowed: large, routed, small)",
    ),
    "boundary name reserved": (
        "name: stays-home",
        "name: air_gapped",
        "a.yaml:13: `air_gapped` is a name that Weir uses itself\n    choose another",
    ),
    "route name twice": (
        "name: everyday",
        "name: hard",
        "a.yaml:16: `hard` stands already at a.yaml:15\n    choose another name",
    ),
    "key hash": (
        "acme: {}",
        "acme: {keys: [{id: app, sha256: ABC}]}",
        "a.yaml:18: `tenants.acme.keys[0].sha256`: a SHA-256 has 64 hexadecimal digits in lower case:"
        " `weir keys create` prints it",
    ),
    "duration without unit": (
        "kind: vllm,",
        "kind: vllm, timeouts: {connect: 5},",
        "a.yaml:6: `backends.gpu.timeouts.connect`: a duration has a number and a unit, like 500ms, 5s, 2m or 1h",
    ),
    "not YAML": (
        "site: home",
        "site: [home",
        "a.yaml:2: this is not YAML: did not find expected ',' or ']'\n"
        "    look at quotes, colons and indentation; inside {…} and […], ${NAME} needs quotes",
    ),
    "not a mapping": (
        "acme: {}",
        "acme: 5",
        "a.yaml:18: `tenants.acme`: a mapping is wanted here, like {key: value}",
    ),
    "variable not set": (
        "${CLOUD_KEY:-sk-hidden}",
        "${CLOUD_KEY}",
        "a.yaml:7: the environment variable CLOUD_KEY is not set\n    set it, or give a default: ${CLOUD_KEY:-…}",
    ),
    "no route": (
        "  - {name: hard, when: {complexity: {at_least: 0.7}}, use: [large], on_failure: [small]}\n"
        "  - {name: everyday, use: [small]}\n",
        "  []\n",
        "a.yaml:14: there is no route, so nothing can be routed\n"
        "    add one without `when`; or write `aliases: {}` if every application names its model",
    ),
    "boundary for an unknown tenant": (
        "data: {at_least: confidential}",
        "tenants: [acne]",
        "a.yaml:13: there is no tenant `acne`\n    did you mean `acme`? (allowed: acme)",
    ),
    "boundary for an unknown zone": (
        "only: {inside: true}",
        "only: {zone: hom}",
        "a.yaml:13: there is no zone `hom`\n    did you mean `home`? (allowed: cloud, home)",
    ),
    "unknown tenant deep in a condition": (
        "{complexity: {at_least: 0.7}}",
        "{any: [{tools: true}, {not: {all: [{tenant: acne}]}}]}",
        "a.yaml:15: there is no tenant `acne`\n    did you mean `acme`? (allowed: acme)",
    ),
    "model in a condition is not routed": (
        "{complexity: {at_least: 0.7}}",
        "{model: large}",
        "a.yaml:15: there is no routed alias `large`\n    allowed: auto",
    ),
    "escalation to a model that is not there": (
        "use: [small]}",
        "use: [small], escalate: {to: [larg]}}",
        "a.yaml:16: there is no model `larg`\n    did you mean `large`? (allowed: large, small)",
    ),
    "escalation for a fault that is none": (
        "use: [small]}",
        "use: [small], escalate: {to: [large], on: [refusal]}}",
        "a.yaml:16: `routes[1].escalate.on[0]`: `refusal` is not a fault\n"
        "    did you mean `refused`? (allowed: cut, empty, refused, schema)",
    ),
    "escalation to itself": (
        "use: [small]}",
        "use: [small], escalate: {to: [small]}}",
        "a.yaml:16: the route `everyday` can never escalate: it leads only to models that have answered already\n"
        "    change or remove `escalate`",
    ),
    "escalation that a boundary always forbids": (
        "when: {complexity: {at_least: 0.7}}, use: [large], on_failure: [small]}",
        "when: {level: restricted}, use: [small], escalate: {to: [large]}}",
        "a.yaml:15: the route `hard` can never escalate: large: boundary stays-home: zone cloud is outside\n"
        "    change or remove `escalate`",
    ),
    "share without a percent sign": (
        "{at_least: 0.7}",
        "{hardest: 30}",
        "a.yaml:15: `routes[0].when.complexity.hardest`: a share is a percentage between 0% and 100%, like 30%",
    ),
    "two shares in one route": (
        "when: {complexity: {at_least: 0.7}}",
        "when: {any: [{complexity: {hardest: 10%}}, {kind: code, complexity: {hardest: 30%}}]}",
        "a.yaml:15: the route `hard` asks for the hardest 10% and 30%: a route has one share\n"
        "    make it two routes",
    ),
    "empty range": (
        "{at_least: 0.7}",
        "{}",
        "a.yaml:15: `routes[0].when.complexity`: write `at_least`, `at_most` or `hardest`, like {hardest: 30%}",
    ),
    "empty data": (
        "data: {at_least: confidential}",
        "data: {}",
        "a.yaml:13: `boundaries[0].data`: `data` is empty: leave it out to mean every request",
    ),
    "redaction of everything": (
        "data: {at_least: confidential}, only: {inside: true}}",
        "only: {inside: true}, outside: {if: redacted}}",
        "a.yaml:13: `boundaries[0]`: `outside` needs `data`: a boundary on every request holds whatever is redacted"
        " from it",
    ),
    "no such way outside": (
        "only: {inside: true}}",
        "only: {inside: true}, outside: {if: encrypted}}",
        "a.yaml:13: `boundaries[0].outside.if`: `encrypted` is not possible\n    allowed: redacted",
    ),
    "price without GPUs": (
        "kind: vllm,",
        "kind: vllm, usd_per_gpu_hour: 2,",
        "a.yaml:6: `backends.gpu`: `usd_per_gpu_hour` needs `gpus`: how many GPUs each replica has",
    ),
    "metrics for everybody": (
        "site: home",
        "server: {metrics: {port: null}}",
        "a.yaml:1: `server.metrics`: metrics on the gateway's own port need `sha256`, a token's, to protect them",
    ),
    "one key for two tenants": (
        "acme: {}",
        f"acme: {{keys: [{{id: a, sha256: {'ab' * 32}}}]}}\n  beta:\n    keys: [{{id: a, sha256: {'ab' * 32}}}]",
        "a.yaml:20: this key stands already at a.yaml:18\n    each key belongs to one tenant",
    ),
    "two keys of one name": (
        "acme: {}",
        f"acme: {{keys: [{{id: a, sha256: {'ab' * 32}}}, {{id: a, sha256: {'cd' * 32}}}]}}",
        "a.yaml:18: the tenant `acme` has two keys named `a`",
    ),
    "objects of a backend that is not there": (
        "acme: {}",
        "acme: {owns: {clod: [vs_1]}}",
        "a.yaml:18: there is no backend `clod`\n    did you mean `cloud`? (allowed: cloud, gpu)",
    ),
    "an account with two owners": (
        "acme: {}",
        'acme: {owns: {cloud: "*"}}\n  beta: {owns: {cloud: "*"}}',
        "a.yaml:19: everything that `cloud` keeps is `acme`'s already\n"
        "    give each tenant a backend of its own, with a key of its own account",
    ),
    "a provider that is told what it keeps": (
        "kind: openai, zone: cloud,",
        "kind: openai, zone: cloud, keeps: [responses],",
        "a.yaml:7: `backends.cloud`: `keeps` belongs to backends of the kind vllm, and this one is openai",
    ),
    "a price for a model that is not there": (
        "kind: openai, zone: cloud,",
        "kind: openai, zone: cloud, priced_as: {larg: gpt-5},",
        "a.yaml:7: there is no model of this backend `larg`\n    did you mean `large`? (allowed: large)",
    ),
    "credentials from two places": (
        "kind: openai, zone: cloud,",
        "kind: bedrock, region: eu-central-1, aws: {profile: a, role: instance}, zone: cloud,",
        "a.yaml:7: `backends.cloud.aws`: write `access_key_id` and `secret_access_key`, or a `profile`, or a `role`",
    ),
    "a list as a key": ("site: home", "? [a]\n: home", "a.yaml:1: a key must be a plain word"),
    "half a variable": (
        "site: home",
        "site: ${home",
        "a.yaml:1: `${` begins no variable here\n    write ${NAME} or ${NAME:-default}, or $${ for the text itself",
    ),
    "merging a word": ("site: home", "<<: home", "a.yaml:1: `<<` takes a mapping"),
    "terms file missing": (
        "site: home",
        "sensitivity: {terms_files: [terms.json]}",
        "a.yaml:1: there is no file terms.json",
    ),
}
