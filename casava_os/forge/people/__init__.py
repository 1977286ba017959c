"""People's own words: pairs of a request and the bash command that somebody wrote for it, as typed plans.

A plan is taken only if all of this holds: the ABI says what the command says; every argument stands in the request;
the request says nothing that the plan leaves out, and the plan nothing that the request does not ask for; and command
and plan, each run in a generated workspace of its own, come to the same. Whatever fails is counted by its reason.

| module | what it does |
|---|---|
| `rewrite` | stated changes of request and command alike: absolute paths, variables, "the entire file system" |
| `shell` | the command as a pipeline of words (`bashlex`) |
| `said` | finds the words of the request that say a value |
| `finding` `naming` | `find` expressions, as `file.find` |
| `plans` | the calls that were made so far, and what the workspace must hold |
| `acting` `texts` `files` `facts` | what the other programs say, each as calls |
| `translate` | from pair to calls |
| `templates` | a manual's placeholders, filled with names |
| `boundaries` | requests that no call can answer, with the reason |
| `faithful` | whether request and calls speak of the same |
| `workspace` `jail` `perform` `compare` | the proof |
| `report` | all pairs, the counts, the two sides of the split |
"""
