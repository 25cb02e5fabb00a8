/* A deployment document with everything in it, for tests to change. */
#ifndef ISO_SUPERVISOR_DOCUMENT_TEST_SUPPORT_H
#define ISO_SUPERVISOR_DOCUMENT_TEST_SUPPORT_H

#define TEST_DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEST_KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define TEST_KEY_B "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="

static const char test_document[] =
    "{\n"
    "  \"isomer\": 1, \"app\": \"upscaled-video\", \"generation\": 7, \"drain\": \"5s\",\n"
    "  \"components\": {\n"
    "    \"camera\": {\n"
    "      \"module\": \"" TEST_DIGEST "\", \"epoch\": 3, \"config\": {\"stream\": \"default\"},\n"
    "      \"args\": [\"-v\", \"\"], \"env\": {\"A\": \"B\"},\n"
    "      \"grants\": {\"devices\": {\"camera\": [\"default\"], \"log\": true},\n"
    "        \"dirs\": [{\"guest\": \"/data\", \"host\": \"/srv/data\", \"write\": true}]},\n"
    "      \"limits\": {\"memory\": \"64MiB\", \"fuel\": 100000000, \"time\": \"2s\", \"queue\": "
    "8,\n"
    "        \"instances\": 2, \"files\": 3, \"log-rate\": 10, \"storage\": 4096,\n"
    "        \"result\": \"1MiB\"},\n"
    "      \"links\": {\"lab:pix/filter@1.0.0\": {\"component\": \"filter\"},\n"
    "        \"lab:pix/scale@1.2.0\": {\"peer\": \"den\", \"component\": \"scaler\",\n"
    "          \"epoch\": 12}}},\n"
    "    \"filter\": {\n"
    "      \"module\": \"" TEST_DIGEST "\", \"epoch\": 1, \"mode\": \"service\",\n"
    "      \"wit\": \"package lab:pix;\", \"abi\": \"wasm-bindgen\",\n"
    "      \"from\": {\"snapshot\": true}}},\n"
    "  \"peers\": {\n"
    "    \"den\": {\"device\": \"den-7\",\n"
    "      \"connect\": {\"addresses\": [\"192.0.2.7:5684\", \"[2001:db8::1]:5684\"],\n"
    "        \"transport\": \"dtls\", \"identity\": \"v7-hall-den\", \"key\": \"" TEST_KEY_A
    "\"},\n"
    "      \"accept\": {\"identity\": \"v7-den-hall\", \"key\": \"" TEST_KEY_B "\",\n"
    "        \"calls\": [\"filter\"]}},\n"
    "    \"lobby\": {\"device\": \"lobby.2\"}},\n"
    "  \"flows\": {\n"
    "    \"video\": {\"on\": {\"every\": \"100ms\"}, \"overload\": \"drop-oldest\", \"window\": "
    "2,\n"
    "      \"steps\": [\n"
    "        {\"as\": \"f\", \"component\": \"camera\", \"call\": \"take-frame\", \"epoch\": 3},\n"
    "        {\"as\": \"g\", \"component\": \"filter\", \"call\": \"pix.sharpen\", \"epoch\": 1},\n"
    "        {\"as\": \"big\", \"component\": \"scaler\", \"call\": \"resize\", \"at\": \"den\",\n"
    "          \"epoch\": 12, \"with\": {\"image\": \"$g.pixels\", \"width\": \"$f.size.width\",\n"
    "            \"label\": \"$$5\", \"list\": [1, -2.5, true, null, \"$f\"]}},\n"
    "        {\"component\": \"filter\", \"call\": \"count\", \"at\": null, \"epoch\": 1}]},\n"
    "    \"asked\": {\"on\": {\"event\": \"scaler.done\", \"at\": \"den\"}, \"steps\": [\n"
    "        {\"component\": \"filter\", \"call\": \"note\", \"epoch\": 1,\n"
    "          \"with\": {\"text\": \"$input.name\"}}]}}\n"
    "}\n";

#endif
