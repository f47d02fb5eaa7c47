/** Leases Redis, prints its address, and keeps the lease until it is killed. */
import { leaseService } from '@splitrock/services';

const { environment } = await leaseService('redis');
console.log(environment['SPLITROCK_TEST_REDIS_URL']);
process.stdin.resume();
