import { parentPort, workerData } from 'node:worker_threads';
import { verifySecondHalf } from './second-half.ts';

// The whole program of the second thread.
parentPort?.postMessage(verifySecondHalf(workerData));
