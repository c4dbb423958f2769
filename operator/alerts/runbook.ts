/** Where the page of an alert is: what it means, what to look at, what to do. Pure. */

/** In the repository; the rules of Prometheus name it too. */
export const RUNBOOK = 'docs/runbook'

/** @param base where people on call read the pages; in the repository when not given */
export const runbookPage = (alert: string, base: string = RUNBOOK): string =>
  `${base.replace(/\/+$/, '')}/${alert}.md`
