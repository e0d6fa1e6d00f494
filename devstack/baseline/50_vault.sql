-- Vault: secrets encrypted at rest, with the grants of supabase_vault 0.3 (which is in no package registry).
-- Copied: names, columns, signatures, authenticated encryption bound to the row's id, and that create_secret first
-- writes the row and then encrypts it. Different: the root key lies in a table only the superuser reads, where the
-- real one lies outside the database, and the cipher is AES-CBC with HMAC-SHA256 from pgcrypto instead of libsodium's.

create table vault.root_key (
  key bytea not null
);
insert into vault.root_key values (extensions.gen_random_bytes(64));
revoke all on vault.root_key from public;

create function vault._crypto_aead_det_noncegen() returns bytea
language sql volatile set search_path = ''
return extensions.gen_random_bytes(16);

create function vault._crypto_aead_det_encrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea
language plpgsql volatile security definer set search_path = ''
as $$
declare
  root bytea := (select key from vault.root_key);
  body bytea := extensions.encrypt_iv(message, substring(root for 32), nonce, 'aes-cbc/pad:pkcs');
begin
  return extensions.hmac(additional || nonce || body, substring(root from 33), 'sha256') || body;
end
$$;

create function vault._crypto_aead_det_decrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea
language plpgsql stable security definer set search_path = ''
as $$
declare
  root bytea := (select key from vault.root_key);
  body bytea := substring(message from 33);
begin
  if substring(message for 32) <> extensions.hmac(additional || nonce || body, substring(root from 33), 'sha256') then
    raise exception 'pgsodium_crypto_aead_det_decrypt_by_id: invalid ciphertext' using errcode = '22000';
  end if;
  return extensions.decrypt_iv(body, substring(root for 32), nonce, 'aes-cbc/pad:pkcs');
end
$$;

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default vault._crypto_aead_det_noncegen(),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
create unique index secrets_name_idx on vault.secrets (name) where name is not null;
comment on table vault.secrets is 'Table with encrypted `secret` column for storing sensitive information on disk.';

create view vault.decrypted_secrets as
select
  s.id, s.name, s.description, s.secret,
  convert_from(
    vault._crypto_aead_det_decrypt(
      message => decode(s.secret, 'base64'), additional => convert_to(s.id::text, 'utf8'), key_id => 0,
      context => 'pgsodium'::bytea, nonce => s.nonce
    ), 'utf8'
  ) as decrypted_secret,
  s.key_id, s.nonce, s.created_at, s.updated_at
from vault.secrets s;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  rec record;
begin
  insert into vault.secrets (secret, name, description)
  values (new_secret, new_name, new_description)
  returning * into rec;
  update vault.secrets s
  set secret = encode(
    vault._crypto_aead_det_encrypt(
      message => convert_to(rec.secret, 'utf8'), additional => convert_to(s.id::text, 'utf8'), key_id => 0,
      context => 'pgsodium'::bytea, nonce => rec.nonce
    ), 'base64')
  where id = rec.id;
  return rec.id;
end
$$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update vault.secrets s
  set
    secret = case when new_secret is null then s.secret else encode(
      vault._crypto_aead_det_encrypt(
        message => convert_to(new_secret, 'utf8'), additional => convert_to(s.id::text, 'utf8'), key_id => 0,
        context => 'pgsodium'::bytea, nonce => s.nonce
      ), 'base64') end,
    name = coalesce(new_name, s.name),
    description = coalesce(new_description, s.description),
    updated_at = now()
  where s.id = secret_id;
end
$$;

-- No INSERT or UPDATE for anyone: secrets are written through the two functions only.
revoke all on all functions in schema vault from public;
grant usage on schema vault to postgres, service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
grant execute on function
  vault.create_secret(text, text, text, uuid), vault.update_secret(uuid, text, text, text, uuid),
  vault._crypto_aead_det_decrypt(bytea, bytea, bigint, bytea, bytea) to postgres with grant option;
grant execute on function
  vault.create_secret(text, text, text, uuid), vault.update_secret(uuid, text, text, text, uuid),
  vault._crypto_aead_det_decrypt(bytea, bytea, bigint, bytea, bytea) to service_role;
