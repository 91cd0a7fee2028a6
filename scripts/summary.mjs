// Prints 'N passed, N failed, N skipped' from vitest's JSON report; failed checks count as one failure. A run that
// executed nothing, or whose files did not even load, is a failure too.
import { readFileSync } from 'node:fs';

const [report, failedChecks] = process.argv.slice(2);
let results = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
try {
  results = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.log('the test runner left no report');
}
const unloaded = results.testResults.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed')).length;
const failed = results.numFailedTests + unloaded + Number(failedChecks);
const passed = results.numPassedTests + (Number(failedChecks) === 0 ? 1 : 0);
console.log(`${passed} passed, ${failed} failed, ${results.numPendingTests + results.numTodoTests} skipped`);
process.exit(failed > 0 || results.numPassedTests === 0 ? 1 : 0);
