import { databases } from '../support/database.js';
import { killed } from './kill.js';

if (databases.includes('postgres')) killed('postgres');
