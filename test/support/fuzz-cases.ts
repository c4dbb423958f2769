/**
 * How many cases a fuzz test takes: as many as it takes in every run, times FUZZ_TIMES, which `npm run soak` sets.
 * Each door of docs/security.md gets at least 20,000 in every run.
 */
export const fuzzCases = (everyRun: number): number => everyRun * Number(process.env['FUZZ_TIMES'] ?? 1)
