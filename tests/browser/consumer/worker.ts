import { search } from './search.ts';

self.onmessage = async ({ data }) => self.postMessage(await search(data));
