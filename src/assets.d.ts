/** What the build makes of files that are not TypeScript (build/plugins.ts). */
declare module 'assembly:shared' {
  const base64: string;
  export default base64;
}
declare module 'assembly:shared-relaxed' {
  const base64: string;
  export default base64;
}
declare module 'assembly:plain' {
  const base64: string;
  export default base64;
}
declare module 'assembly:plain-relaxed' {
  const base64: string;
  export default base64;
}
declare module '*?source' {
  const source: string;
  export default source;
}
declare const __ISODEX_VERSION__: string;
