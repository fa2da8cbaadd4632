import { databases } from '../support/database.js';
import { killed } from './kill.js';

if (databases.includes('sqlite')) killed('sqlite');
