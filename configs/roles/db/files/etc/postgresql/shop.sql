-- What the shop's application needs. Runs at every start; what is there already, such as data that came back, stays.
\set ON_ERROR_STOP on
SELECT 'CREATE ROLE shop LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop') \gexec
ALTER ROLE shop PASSWORD '{{ssm:/rekindle/shop/db/database-password}}';
SELECT 'CREATE DATABASE shop OWNER shop' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'shop') \gexec
\connect shop
SET client_min_messages = warning;
SET ROLE shop;
CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, placed_at timestamptz NOT NULL DEFAULT now());
