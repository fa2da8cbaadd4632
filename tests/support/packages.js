// The packages that tests outside this folder use: they are installed here.

export * as oidc from 'openid-client';
export * as jose from 'jose';
