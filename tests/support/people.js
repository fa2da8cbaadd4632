// Who takes part in the tests, and what they type.

import { jpegImage } from './images.js';

let counter = 0;

/** A mail address nobody else in this run has. */
export function newAddress(name = 'person') {
  counter += 1;
  return `${name}${process.pid}x${counter}@example.jp`;
}

export const clerk = {
  login_id: 'clerk.one@example.jp',
  email: 'clerk.one@example.jp',
  password: 'Counter2024x',
  second_password: 'Register2024x',
  claims: { name: '窓口 花子' },
  staff_roles: ['reviewer'],
};

export const secondClerk = { ...clerk, login_id: 'clerk.two@example.jp', email: 'clerk.two@example.jp', claims: { name: '窓口 次郎' } };

export const graduate = {
  login_id: 'alumna@example.jp',
  email: 'alumna@example.jp',
  password: 'Graduate2024x',
  second_password: 'Certificate2024x',
  claims: {
    name: '鈴木 一子',
    family_name: 'Suzuki',
    given_name: 'Kazuko',
    'family_name#ja-Hani-JP': '鈴木',
    'family_name#ja-Kana-JP': 'スズキ',
    birthdate: '1988-07-09',
    email_verified: true,
  },
  student_ids: ['1TE10234', '2TE14001'],
};

/** The same person with one student ID and another name, for tests that need two. */
export const otherGraduate = {
  login_id: 'alumnus@example.jp',
  email: 'alumnus@example.jp',
  password: 'Graduate2024y',
  second_password: 'Certificate2024y',
  claims: { name: '佐藤 次郎', family_name: 'Sato', given_name: 'Jiro', birthdate: '1991-01-02' },
  student_ids: ['1LA11999'],
};

/** Whom the records of residence cards know (`tenants/residence/demo/records.csv`). */
export const cardHolder = {
  name_roman: 'GARCIA LOPEZ MARIA',
  name: undefined,
  name_kana: 'ガルシア ロペス マリア',
  birth_date_year: '1992',
  birth_date_month: '2',
  birth_date_day: '29',
  nationality: 'Mexico',
  residence_card_number: 'AB12345678CD',
};

/** Staff of the residence tenant: reviewers who also serve at the counter. */
export const officer = {
  login_id: 'officer.one@example.jp',
  email: 'officer.one@example.jp',
  password: 'Counter2024x',
  claims: { name: '窓口 太郎', birthdate: '1980-01-01' },
  staff_roles: ['reviewer', 'counter'],
};

export const secondOfficer = { ...officer, login_id: 'officer.two@example.jp', email: 'officer.two@example.jp', claims: { name: '受付 花子', birthdate: '1981-01-01' } };

/** The three values of the login page. */
export const credentials = ({ login_id: id, password, second_password: second }) => ({ login_id: id, password, second_password: second });

/** What an applicant types, by field key of the form. Choices name what to prefer; the first offered is taken otherwise. */
export const answers = {
  application_type: 'new',
  name: '山田 太郎',
  name_kana: 'ヤマダ タロウ',
  name_roman: 'YAMADA TARO',
  birth_date_year: '1990',
  birth_date_month: '4',
  birth_date_day: '2',
  school_name: '山田 太郎',
  school_name_kana: 'ヤマダ タロウ',
  school_name_roman: 'YAMADA TARO',
  degree_program: 'undergraduate',
  student_id: '1TE09123',
  matriculation_year: '2009',
  matriculation_month: '4',
  graduation_year: '2013',
  graduation_month: '3',
  outcome: 'graduated',
  postal_code: '100-0001',
  prefecture: '東京都',
  city: '千代田区',
  street: '千代田1-1',
  building: '皇居前ビル 301',
  phone: '03-1234-5678',
  cell_phone: '090-1234-5678',
  intended_use: '就職活動のため',
  submission_place: '株式会社サンプル',
  remarks: '連絡は午後にお願いします。',
};

/** The picture of a driving licence. */
export const licence = () => ({ name: 'licence.jpg', type: 'image/jpeg', bytes: jpegImage({ exif: true }) });
