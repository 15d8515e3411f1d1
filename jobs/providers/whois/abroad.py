"""Fragments of the words by which servers report trouble in other languages than English.

Fragments, since words are inflected; written as `phrases` prepares sentences: lower case, letters bare. A dot stands
for a blank.
"""
# ruff: noqa: RUF001 - letters that look like Latin ones are what these words are written in

from __future__ import annotations

from jobs.providers.whois.phrases import without_accents


def _stems(text: str) -> tuple[str, ...]:
    return tuple(word.replace(".", " ") for word in without_accents(text).split())


LIMIT = _stems(
    "limi kvot cuota cota kontingent nombre numero numar maxim massim anzahl aantal antal počet liczb"
    " szám sınır лимит квот числ количеств кільк ограничен ліміт 限 次数 次數 회수 횟수 제한 回数 จำนวน batas kuota"
    " giới.hạn όρι ορι"
)
"""What is counted: limits, quotas, numbers."""

SPENT = _stems(
    "exced superad superat supero alcanz alcanç ating esgot agotad dépass atteint überschr erreicht"
    " erschöpft overschr bereikt overskr oversteg överskr nådd ylit prekorač przekrocz překroč prekroč"
    " túllép elért aşıl aştı doldu depăș depăş превыш исчерп перевищ вичерп надвиш υπερβ 超 已达 已達 达到 達到 上限"
    " 초과 เกิน terlampaui melebihi vượt"
)
"""What has happened to it: exceeded, reached, used up."""

QUESTIONS = _stems(
    "consult requête requete anfrage abfrage verzoek forespørs fragor kysel richiest interrogaz pedid"
    " solicit zapyt dotaz upit lekérdez sorgu interogăr запрос запит заявк 查询 查詢 조회 検索 permintaan kueri"
    " yêu.cầu truy.vấn ερωτ"
)
"""What we send: queries, requests."""

FAULTS = _stems(
    # too many
    "demasiad trop.de trop.nombreu zu.viele zu.häufig zu.oft te.veel for.mange för.många liian.mont"
    " liian.usein troppe troppi zbyt.wiele zbyt.dużo zbyt.częst příliš.mnoho priveľa previše preveč"
    " túl.sok túl.gyak çok.fazla çok.sık prea.mult слишком забагато занадто твърде 频繁 頻繁 過多 过多 너무 terlalu"
    " quá.nhiều πάρα.πολλ 多すぎ"
    # later
    " más.tarde plus.tard später più.tardi mais.tarde .senere .senare myöhemmin później později neskôr"
    " később kasnije kasneje daha.sonra mai.târziu позже позднее пізніше по-късно 稍后 稍後 後ほど しばらく"
    " 나중에 잠시 αργότερα"
    # denied
    " denegad negado negada negato accès.refus requête.refus verweigert gesperrt blockiert geblokkeerd"
    " geweigerd nektet blokeret spärrad nekad estetty odmow odmów zablokow odepřen zablokov blokiran"
    " letilt elutasít engellen reddedil blocat bloccat bloquead bloqué respins запрещ отказан заблок"
    " забанен заборон 거부 차단 拒否 制限されて 拒绝 拒絕 屏蔽 封锁 封鎖 ditolak diblokir"
    # out of order
    " temporalmente temporairement momentan vorübergehend nicht.verfügbar nicht.erreichbar temporane"
    " service.indispon servicio.no.disp serviço.indispon midlertidig utilgjengelig utilgængelig tillfällig"
    " inte.tillgänglig väliaikais ei.ole.käytett chwilow niedostępn dočasn nedostup privremeno átmeneti"
    " geçici временно недоступ тимчасово технические.работы 维护 維護 メンテナンス 점검 pemeliharaan bảo.trì wartung"
    " mantenimiento manutenç manutenzion underhåll vedlikehold vedligehold huolto konserwac údržb"
    " karbantart bakım erreur fehler errore .erro. błąd chyba .hiba. .hata greška eroare ошибка помилка"
    " грешка エラー 错误 錯誤 오류 kesalahan virhe .feil. .fejl. .fel."
)
"""Too many; later; denied; out of order; error."""
