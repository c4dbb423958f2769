/** File name of the built worker, put in by the build. */
declare const LAYOUT_WORKER: string

declare module '*.css'
