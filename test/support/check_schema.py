#!/usr/bin/env python3
"""Holds JSON documents against a JSON Schema: check_schema.py SCHEMA DOCUMENTS, a document a line.

Exit 0 if there is at least one and all of them fit; else what does not is printed, and the exit status is 1.
"""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    validator = jsonschema.Draft202012Validator(json.load(file))
validator.check_schema(validator.schema)
with open(sys.argv[2], encoding="utf-8") as file:
    documents = [json.loads(line) for line in file if line.strip()]
errors = [error for document in documents for error in validator.iter_errors(document)]
for error in errors:
    print(f"{error.json_path}: {error.message}")
sys.exit(0 if documents and not errors else 1)
