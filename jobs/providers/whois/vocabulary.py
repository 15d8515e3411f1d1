"""The words of answers that say nothing but "no such name": of such sentences, of banners, headings, dates and terms.

Written as `phrases` prepares sentences: lower case, letters bare; of three letters at least.
"""

from __future__ import annotations

ANSWERS = """
abide about above accepted accredited accuracy acknowledge additional adras advanced advertising afilias afnic
afrinic agency agreement all also alternative and any apnic applicable apr are argentina arin arnes ascii asked
asn asns associated aug authoritative authority automated availability available been behalf being below benin
bot browse brst brt bulk bureau business but can cctld cctlds cest cet changed charleston cidr circumstances
code codes collected command commission common communications communiqu community company compilation complaint
complete computer conatel conditions confirm conjunction consulted contact contacting contacts contain contained
contains content contents contract coop copy copyright corporation could country criteria crr current currently
data database databases date datetime day ddthh dec delegation deleted described detail detailed details direct
directory directorys disclaimer disclosed display displayed displays disputes dissemination disturbs dns
document documents does dom domain domains domreg donuts dot download edt edu effect electronic email enable
enabling encoded encoding end engine english entity entries entry epp est estonia euc exact example exist exists
expiration extract facility fax feb find finnish following follows for form format found free fri from full
further gateway generated generic given gmbh gmt gov government gtld gtlds guarantee guaranteed guarantees has
have hello help helpdesk helpline here herein high hold holder holders home hostmaster hours http https iana
icann identified identifier illegitimate important inaccuracy inc includes including inconsistent indicate
individual info information informational instructions intended interface internet into ips irnic isnic ist its
itself jan japanese java jprs jul jun jwhoisserver key kind kingdom kisa known korean krnic lack lacnic last
latin laws legal level limited line link list llc locate location look lookup lookups ltd made mail mainseek
maintainance maintained maintainer manager manages mar match matched matches matching may meridian misuse modify
mon monic more msd msk multiple name names nask national necessary net network new nic nincs nominet not note
nothing notice nov now number object objects oct office official only operated operates operator operators
option options org organisation organization other our output over own owner ownership page pages part
particular person personal phone please policies port possible previous previously printed prior privacy private
problem process processes prohibited protocol provide provided providers provides pst public publish published
purchase purged purposes queried queries query querying question questions rdap rdc ready reasons record records
reference regarding register registered registrant registrants registrar registrars registration registrations
registred registries registry registrys regulatory related relating relevant remarks repackaging report
reporting representative reproduction request requested reserve reserved reserves respect responses restricted
result results returned reverse right rights ripe road role rpsl russian rwhois sat saudinic script search
searching seciu second secondary sectorial see selected send sending sep served server servers service services
serving set settled short should site sole solely solutions source sources sponsor sponsored sponsoring ssz
standard status statuses subdomain subject submission submitting such suffix sun support supported swhoisd
system systems target tax technical telegram telephone telnic templates terms text than that the their there
thereto these this thu ticket tickets time timestamp tld tlds tonic tool top transport tue tunisian type types
udelar under unicode unsolicited update updated upon url uruguay use user users uses using utc utf uzbekistan
uzwhois valid venezuela verisign version via view visit volume was way web webbased website wed welcome were
what where which who whois whoisd whose with without world www yaml yes you your yyyy zarc zealand zero zone
zones
"""
"""English, with what registries call themselves."""

ABSENT_ABROAD = """
aucun aucune brak bulunamadi correspondance degil disponible disponivel doman domanen domein domeinnaam domena
domenen domenenavnet domenet domeniul domeny eintrag encontrada enregistre esiste exista existente findes finnes
finns fost frei fundet funnet gasit gefunden geregistreerd gevonden hittades ikke inte introuvable istnieje jest
kayitli kein keine keinen laisvas ledig leitud libre loytynyt nao neegzistuoja nenalezen nenalezena nenalezeno
nerasta nicht nie niet nije nincs pas pronaden registrato registreeritud registreret registrert registriert
registrirana registrovana resultat saknas slobodan slobodna szabad talalat treffer trovato vaba vergeben volna
vrij wolna wynikow zarejestrowana znaleziono 未找到 未找到该域名 该域名
"""
"""Of "no such name" in other languages."""

ABROAD = """
abfrage absolutamente abusif acest actualizacion acuerdo administrado administrador alleinige alt antispam aqu
auf autoritativa bajo base bei bienvenue bis busca buscar busqueda centro comercial communiquee comunicarse con
concern concernees consulta consultas contactar contacto contiene copie correo corresponda correspondant
cualquier dans das datele daten datenbank datos decat decrite del der des deste dichos die din dirigirse
disponibilidad disponibilit disponibilite disponibles domaine domaines domainname dominio dominios donn donnees
dun eine einzelner electronico encontrado encontro encuentra enregistr enregistrement entre envio envios
ermoglicht esta este exactitudes exclusivamente existe expresse favor fecha fines folosirea fournies fur
garantit generada geschutzte hacerla identification informaci informacion informatif informations informativo
intelectual interdite internacionales interzisa kostenlos las lautorisation legales lentite les leur ley leyes
lor los maintenue mas masivos materia mayor mensaje modification mostrados muestra necesita nom nombre nota
objeto obtencion obtener oder operarea oricare orice otra otros par para parametros partie partir permet
personnes pertenecer peruana por prestataires prohibida prohibido propiedad proporcionada proporcionados
propositos proprietaire propriete protegida publica publicitare puede que queda quedando realizar recht
registrado registrados registre registro registros regle responsable retelei rification ryce sans scop scopuri
serveur servicio servicios servidor seul sistema sitio sobre solicitado sont special sur titre titulaire titular
tout tratados una und une uniquement urheberrechtlich usage usuarios utilizara validos ver veracidad verifica
von weiteres wird
"""
"""Of terms and banners in the languages of registries that add them."""

VOCABULARY = frozenset(f"{ANSWERS} {ABSENT_ABROAD} {ABROAD}".split())
